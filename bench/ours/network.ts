/** What the rows of training and prediction share: the method on our engine with a backbone of random weights. */
import { type MethodConfig, methodConfigSchema } from "../../shared/config/method.js";
import type { Compute, InitialParams, LabelledExample } from "../../worker/compute/contract.js";
import { loadEngine } from "../../worker/engine/load.js";
import { requireMath } from "../../worker/engine/math.js";
import type { Compile } from "../../worker/segmentation/compiled.js";
import { createCompute } from "../../worker/segmentation/compute.js";
import type { Tf } from "../../worker/segmentation/tf.js";
import { type BackboneName, backboneFiles } from "./backbones.js";
import { openCrops } from "./crops.js";

export interface NetworkWork {
  readonly batch: number;
  /** Side of the pictures, pixels. */
  readonly size: number;
  readonly channels: number;
  readonly threads: number;
  readonly network: BackboneName;
  readonly backbone: "trained" | "frozen";
  /** Leaves out the optimiser: parameters stay as they are. */
  readonly gradientOnly?: boolean;
  /** `method.math`. Default: f32. */
  readonly bf16?: boolean;
  readonly f16?: boolean;
  /** Default: tensorflow. */
  readonly engine?: "tensorflow" | "wasm" | "webgpu";
}

export const stage = { model: "segmenter", round: 1 } as const;

export interface OpenNetwork {
  readonly tf: Tf;
  readonly version: string;
  readonly device: string;
  readonly compute: Compute;
  readonly initial: InitialParams;
}

export function methodOf({ batch, size, channels, backbone, bf16 = false, f16 = false }: NetworkWork): MethodConfig {
  return methodConfigSchema.parse({
    imageSize: size,
    // Commits before there was a choice refuse it.
    ...(bf16 ? { math: "bf16" } : {}),
    ...(f16 ? { math: "f16" } : {}),
    mining: { rounds: 0 },
    predict: { flip: false },
    segmenter: {
      ...{ microBatches: 1, microBatchSize: batch, cropSize: size, channels },
      backboneRate: backbone === "trained" ? 0.1 : 0,
    },
  });
}

/** `compilerOf`: in place of the engine's own compiler; null: operation by operation. */
export async function openNetwork(work: NetworkWork, compilerOf?: ((tf: Tf) => Compile) | null): Promise<OpenNetwork> {
  const { threads, network, engine = "tensorflow" } = work;
  const loaded = await loadEngine({ engine, threads });
  const { tf, version, device, compile = null } = loaded;
  const method = methodOf(work);
  await requireMath(method.math, loaded);
  const files = await backboneFiles(tf, network);
  const compute = await createCompute(
    tf,
    { method, seed: 0, classes: ["a", "b"], backbone: files },
    compilerOf === undefined ? compile : (compilerOf?.(tf) ?? null),
    await openCrops(),
  );
  const initial = compute.init(stage);
  compute.load(stage, initial.values);
  return { tf, version, device, compute, initial };
}

export function noise(image: number, size: number): LabelledExample {
  const pixels = Uint8Array.from({ length: size * size * 3 }, (_, i) => (i * 7919 + image * 104_729) % 251);
  const labels = Uint8Array.from({ length: size * size }, (_, i) => (i * 31 + image) % 3);
  return { image, pixels, labels, tags: [1, 2] };
}
