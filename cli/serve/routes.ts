/** What `seedgrow serve` answers: masks for photos, its health, and the page to try it on. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { classCounts } from "../../coordinator/export/rle.js";
import { readPhotoHeader } from "../../shared/data/decode.js";
import { writeMaskPng } from "../../shared/data/mask-png.js";
import { overlayColor } from "../../shared/data/overlay.js";
import type { PortableGraph } from "../../shared/data/portable-graph.js";
import type { SavedModel } from "../../shared/data/saved-model.js";
import type { EngineInfo } from "../../worker/compute/messages.js";
import { modelCard } from "../../worker/export/card.js";
import { type TfjsFiles, tfjsModel } from "../../worker/export/tfjs.js";
import type { Photo } from "../../worker/predict.js";
import { assetRoutes } from "../http/assets.js";
import { readUpload } from "../http/body.js";
import { HttpError, type HttpRequest, type Route, send, sendJson } from "../http/http.js";
import { BoundedQueue } from "./queue.js";

/** What the routes need of worker/predict.ts. */
export interface PhotoSegmenter {
  readonly model: SavedModel;
  readonly engine: EngineInfo;
  /** Predictions beyond it wait. */
  readonly photosAtOnce: number;
  decode(bytes: Uint8Array): Promise<Photo>;
  predict(photo: Photo, allowed: readonly number[] | null): Promise<Uint8Array>;
  /** The network, for pages that run it themselves. */
  graph(): Promise<PortableGraph>;
}

export interface ServeOptions {
  readonly bodyBytesMax: number;
  readonly waitingMax: number;
}

/** A photo of a mask's size is kept at 1 byte a pixel; more than any camera has. */
const pixelsMax = 64_000_000;

export function serveRoutes(segmenter: PhotoSegmenter, { bodyBytesMax, waitingMax }: ServeOptions): Route[] {
  const queue = new BoundedQueue(waitingMax, segmenter.photosAtOnce);
  const { model, engine } = segmenter;
  return [
    ...assetRoutes("serve", ["index.html", "serve.css", "app.js", "engine.js", ...wasmFiles]),
    ...modelRoutes(segmenter),
    {
      method: "GET",
      path: /^\/healthz$/,
      handle: (_, response) => sendJson(response, { status: "ok", ...describe(model, engine), queued: queue.length }),
    },
    {
      method: "POST",
      path: /^\/predict$/,
      handle: async (request, response) => {
        const wish = wishOf(request, model.classes);
        await queue.hold(async (inTurn) => {
          const bytes = await readUpload(request.raw, bodyBytesMax);
          const photo = await decodeChecked(segmenter, bytes);
          const result = await inTurn(() => segment(segmenter, request.raw, photo, wish.allowed));
          reply(response, model, wish, photo, result);
        });
      },
    },
  ];
}

const wasmFiles = ["wasm/tfjs-backend-wasm.wasm", "wasm/tfjs-backend-wasm-simd.wasm"];

/** What `export --format tfjs` writes; made when a page asks for it first. */
function modelRoutes(segmenter: PhotoSegmenter): Route[] {
  const { model } = segmenter;
  let making: Promise<{ readonly card: object; readonly files: TfjsFiles }> | null = null;
  const made = () => {
    making ??= segmenter.graph().then((whole) => ({ card: modelCard(model, whole), files: tfjsModel(whole, {}) }));
    return making;
  };
  const route = (name: string, reply: (ready: Awaited<ReturnType<typeof made>>, response: ServerResponse) => void) => ({
    method: "GET" as const,
    path: new RegExp(`^/model/${name.replaceAll(".", "\\.")}$`),
    handle: async (_: HttpRequest, response: ServerResponse) => reply(await made(), response),
  });
  return [
    route("seedgrow.json", ({ card }, response) => sendJson(response, card)),
    route("model.json", ({ files }, response) => send(response, "application/json", files.modelJson)),
    route("weights.bin", ({ files }, response) => send(response, "application/octet-stream", files.weights)),
  ];
}

interface Wish {
  readonly format: "png" | "json";
  readonly allowed: readonly number[] | null;
}

interface Segmented {
  readonly labels: Uint8Array;
  readonly ms: number;
}

function describe({ runId, classes, round, method }: SavedModel, { version, device }: EngineInfo) {
  return {
    model: { runId, round, imageSize: method.imageSize },
    engine: { version, device },
    classes: classes.map((name, index) => ({ id: index + 1, name, color: overlayColor(index + 1) })),
  };
}

/** ?format= wins over Accept; an image is the default. */
function wishOf({ url, raw }: HttpRequest, classes: readonly string[]): Wish {
  const asked = url.searchParams.get("format") ?? (/\bjson\b/.test(raw.headers.accept ?? "") ? "json" : "png");
  if (asked !== "png" && asked !== "json") {
    throw new HttpError(400, "FORMAT_UNKNOWN", `there is no format "${asked}"`, "Ask for png or json.");
  }
  const tags = url.searchParams.get("tags");
  return { format: asked, allowed: tags === null ? null : tags.split(",").map((tag) => idOf(tag.trim(), classes)) };
}

function idOf(tag: string, classes: readonly string[]): number {
  const index = classes.indexOf(tag);
  if (index >= 0) return index + 1;
  throw new HttpError(400, "TAG_UNKNOWN", `the model does not know "${tag}"`, `Its tags are ${classes.join(", ")}.`);
}

async function decodeChecked(segmenter: PhotoSegmenter, bytes: Uint8Array): Promise<Photo> {
  const { width, height } = await readPhotoHeader(bytes);
  if (width * height <= pixelsMax) return segmenter.decode(bytes);
  throw new HttpError(
    413,
    "PHOTO_TOO_LARGE",
    `the photo has ${width}x${height} pixels; at most ${pixelsMax / 1e6} megapixels are taken`,
    "Send it smaller: the model works on a small copy anyway.",
  );
}

async function segment(
  segmenter: PhotoSegmenter,
  raw: IncomingMessage,
  photo: Photo,
  allowed: Wish["allowed"],
): Promise<Segmented> {
  // Whoever has gone away while waiting costs nothing.
  if (raw.socket.destroyed) throw new HttpError(499, "CLIENT_GONE", "the client has gone");
  const startedMs = performance.now();
  const labels = await segmenter.predict(photo, allowed);
  return { labels, ms: performance.now() - startedMs };
}

function reply(
  response: ServerResponse,
  { classes }: SavedModel,
  { format }: Wish,
  { width, height }: Photo,
  { labels, ms }: Segmented,
): void {
  if (format === "png") {
    send(response, "image/png", writeMaskPng(width, height, labels));
    return;
  }
  const counts = new Uint32Array(256);
  for (const label of labels) counts[label]!++;
  const found = classes.flatMap((name, index) => {
    const id = index + 1;
    if (counts[id] === 0) return [];
    const rle = { size: [height, width], counts: classCounts(labels, width, height, id) };
    return [{ id, name, share: counts[id]! / labels.length, rle }];
  });
  sendJson(response, { width, height, ms: Math.round(ms), classes: found });
}
