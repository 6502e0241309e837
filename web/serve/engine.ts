/**
 * The model in the page: a web worker with tfjs, so that the page stays alive while it computes. WebGL where there is a
 * GPU behind it, else WebAssembly. The border refinement is the program's own code (worker/segmentation/prediction.ts).
 */
import { loadGraphModel } from "@tensorflow/tfjs-converter";
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-webgl";
import { setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
import { type FinishConfig, labelsFrom } from "../../worker/segmentation/prediction.js";

export interface EngineRequest {
  readonly id: number;
  /** RGB, [imageSize, imageSize, 3]. */
  readonly pixels: Uint8Array;
  /** Size of the mask wanted, pixels. */
  readonly width: number;
  readonly height: number;
}

export interface EngineReply {
  readonly id: number;
  readonly labels?: Uint8Array;
  readonly ms?: number;
  readonly backend?: string;
  readonly error?: string;
}

/** Beside the model's files (docs/TAKE-HOME.md). */
interface ModelCard {
  readonly classes: readonly string[];
  readonly method: FinishConfig;
}

const loading = load();

async function load() {
  setWasmPaths("/wasm/");
  await tf.setBackend(hasGpu() ? "webgl" : "wasm");
  await tf.ready();
  const card = (await (await fetch("/model/seedgrow.json")).json()) as ModelCard;
  return { card, model: await loadGraphModel("/model/model.json") };
}

/** Chromium draws WebGL in software where there is no GPU; WebAssembly is faster then. */
function hasGpu(): boolean {
  const context = new OffscreenCanvas(1, 1).getContext("webgl2");
  if (!context) return false;
  const info = context.getExtension("WEBGL_debug_renderer_info");
  const name = info ? String(context.getParameter(info.UNMASKED_RENDERER_WEBGL)) : "";
  return !/swiftshader|llvmpipe|software/i.test(name);
}

async function segment({ pixels, width, height }: EngineRequest) {
  const { card, model } = await loading;
  const startedMs = performance.now();
  const size = card.method.imageSize;
  const output = tf.tidy(() => model.predict(tf.tensor4d(Float32Array.from(pixels), [1, size, size, 3])) as tf.Tensor);
  const probabilities = (await output.data()) as Float32Array;
  output.dispose();
  const classCount = card.classes.length;
  const labels = await labelsFrom(card.method, { probabilities, classCount, pixels, width, height, allowed: null });
  return { labels, ms: performance.now() - startedMs, backend: tf.getBackend() };
}

self.addEventListener("message", ({ data }: MessageEvent<EngineRequest>) => {
  segment(data).then(
    (done) => post({ id: data.id, ...done }),
    (error: unknown) => post({ id: data.id, error: error instanceof Error ? error.message : String(error) }),
  );
});

function post(reply: EngineReply): void {
  (self as unknown as Worker).postMessage(reply);
}
