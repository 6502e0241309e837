/**
 * A saved model and an engine, ready to segment photos: what `seedgrow predict` needs of the worker. Photos are
 * computed side by side, each alone: a mask does not depend on its company.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { float32Of, sha256 } from "../shared/codec/digest.js";
import { decodeSquare, readPhotoHeader } from "../shared/data/decode.js";
import type { PortableGraph } from "../shared/data/portable-graph.js";
import { type SavedModel, savedModelFile, savedModelSchema } from "../shared/data/saved-model.js";
import { AppError } from "../shared/errors.js";
import { ComputeClient } from "./compute/client.js";
import type { BackboneFiles } from "./compute/contract.js";
import type { EngineInfo } from "./compute/messages.js";
import { ComputePool } from "./compute/pool.js";
import { photoThreads } from "./core/photo-threads.js";
import type { EngineOptions } from "./engine/environment.js";

/** What another compute thread takes to start, 1.5 s for its engine and its program, is worth it for this many photos. */
const photosPerThread = { refined: 16, raw: 64 } as const;

export interface OpenModelOptions extends Omit<EngineOptions, "operationsAtOnce"> {
  /** How many photos there will be. Default: nobody knows, as many as there are threads may come at once. */
  readonly photoCount?: number;
  /** Whether all of them will be predicted raw, in a sixth of the time. Default: false. */
  readonly raw?: boolean;
  /** Folder with seedgrow-model.json, and what that says. */
  readonly modelDir: string;
  readonly model: SavedModel;
}

export interface Photo {
  /** RGB at the model's working size. */
  readonly pixels: Uint8Array;
  /** Upright size, pixels. */
  readonly width: number;
  readonly height: number;
}

export class Predictor {
  private constructor(
    readonly model: SavedModel,
    private readonly computes: ComputePool<ComputeClient>,
  ) {}

  /** @throws AppError MODEL_INVALID | DIGEST_MISMATCH | ENGINE_MISSING | ENGINE_FAILED */
  static async open({ modelDir, model, threads, photoCount, raw, ...options }: OpenModelOptions): Promise<Predictor> {
    const values = await readParams(modelDir, model);
    const backbone = await readBackbone(modelDir, model);
    const { method, seed, classes, round } = model;
    const modelBytes = values.byteLength + (backbone?.weights.byteLength ?? 0);
    const { computeThreads, engine } = photoThreads({ threads, modelBytes, imageSize: method.imageSize });
    const start = async () => {
      const compute = await ComputeClient.start({ ...options, ...engine });
      try {
        await compute.setup({ method, seed, classes, backbone, isTrained: true });
        await compute.call("load", { model: "segmenter", round }, values);
        return compute;
      } catch (error) {
        await compute.close();
        throw error;
      }
    };
    const perThread = photosPerThread[raw ? "raw" : "refined"];
    const useful = Math.max(1, Math.ceil((photoCount ?? Number.POSITIVE_INFINITY) / perThread));
    // What a GPU computes at once would have to fit into its memory.
    const threadsMax = ({ device }: EngineInfo) => (device.startsWith("cpu") ? Math.min(computeThreads, useful) : 1);
    return new Predictor(model, await ComputePool.open(start, threadsMax));
  }

  get engine(): EngineInfo {
    return this.computes.engine;
  }

  /** Those beyond it wait. */
  get photosAtOnce(): number {
    return this.computes.threadsMax;
  }

  /** @throws AppError DATA_BROKEN */
  async decode(bytes: Uint8Array): Promise<Photo> {
    const { width, height } = await readPhotoHeader(bytes);
    return { width, height, pixels: await decodeSquare(bytes, this.model.method.imageSize) };
  }

  /** Class ids, [height, width]. `allowed`: ids that may occur besides background; null: all. */
  async predict(
    { pixels, width, height }: Photo,
    allowed: readonly number[] | null,
    { raw = false }: { readonly raw?: boolean } = {},
  ): Promise<Uint8Array> {
    const example = { image: 0, pixels, width, height, allowed, raw };
    const { result } = await this.computes.run((compute) => compute.call("predict", [example]));
    return result[0]!.labels;
  }

  /** For export. @throws AppError EXPORT_UNSUPPORTED */
  async graph(): Promise<PortableGraph> {
    return (await this.computes.run((compute) => compute.call("graph"))).result;
  }

  async close(): Promise<void> {
    await this.computes.close();
  }
}

/** @throws AppError MODEL_INVALID */
export async function readModel(dir: string): Promise<SavedModel> {
  const path = join(dir, savedModelFile);
  const text = await readFile(path, "utf8").catch((cause: unknown) => {
    throw new AppError("MODEL_INVALID", `${dir} holds no model: cannot read ${savedModelFile}`, { cause });
  });
  try {
    return savedModelSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new AppError("MODEL_INVALID", `${path} is damaged or of another version`, { cause });
  }
}

async function readParams(dir: string, { params }: SavedModel): Promise<Float32Array> {
  const bytes = await readPart(dir, params.file);
  if (sha256(bytes) === params.digest) return float32Of(bytes);
  throw new AppError(
    "DIGEST_MISMATCH",
    `${join(dir, params.file)} is not what ${savedModelFile} says: it has changed`,
    {
      hint: "Copy the model folder again, or write it again with `seedgrow resume`.",
    },
  );
}

async function readBackbone(dir: string, { backbone }: SavedModel): Promise<BackboneFiles | null> {
  if (!backbone) return null;
  const [modelJson, weights] = await Promise.all([readPart(dir, backbone.modelJson), readPart(dir, backbone.weights)]);
  return { modelJson, weights, sidecar: backbone.sidecar === null ? null : await readPart(dir, backbone.sidecar) };
}

async function readPart(dir: string, name: string): Promise<Uint8Array> {
  return readFile(join(dir, name)).catch((cause: unknown) => {
    throw new AppError("MODEL_INVALID", `the model in ${dir} lacks ${name}`, { cause });
  });
}
