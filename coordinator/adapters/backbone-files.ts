/** Reads a backbone (a tfjs LayersModel) from a folder, a model.json or a URL, without loading it. */
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { AppError } from "../../shared/errors.js";
import { fetchOutside } from "../../shared/net/proxy.js";

export interface BackboneBytes {
  readonly modelJson: Uint8Array;
  /** All weight files, in the order of the weights manifest. */
  readonly weights: Uint8Array;
  /** seedgrow.json beside it: preprocessing and taps. */
  readonly sidecar: Uint8Array | null;
}

const modelJsonSchema = z.object({
  modelTopology: z.unknown(),
  weightsManifest: z
    .array(z.object({ paths: z.array(z.string().regex(/^(?!\.{1,2}$)[^/\\]+$/, "a plain file name")) }))
    .min(1),
});

type Read = (name: string) => Promise<Uint8Array | null>;

/** Null for "scratch": the built-in network. @throws AppError BACKBONE_INVALID */
export async function readBackbone(source: string): Promise<BackboneBytes | null> {
  if (source === "scratch") return null;
  const isUrl = /^https?:\/\//.test(source);
  const read = isUrl ? urlReader(source) : await fileReader(source);
  const modelJson = await must(read, "model.json", source);
  const parsed = modelJsonSchema.safeParse(parse(modelJson));
  if (!parsed.success) throw invalid(source, `model.json is no tfjs LayersModel: ${z.prettifyError(parsed.error)}`);
  const names = parsed.data.weightsManifest.flatMap(({ paths }) => paths);
  const parts = await Promise.all(names.map((name) => must(read, name, source)));
  return { modelJson, weights: Buffer.concat(parts), sidecar: await read("seedgrow.json") };
}

async function fileReader(source: string): Promise<Read> {
  const info = await stat(source).catch(() => null);
  if (!info) throw invalid(source, "there is no such file or folder");
  const dir = info.isDirectory() ? source : join(source, "..");
  return (name) => {
    return readFile(join(dir, name)).catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return null;
      throw invalid(source, `${name} cannot be read: ${error.message}`);
    });
  };
}

function urlReader(source: string): Read {
  const base = source.endsWith(".json") ? source : `${source.replace(/\/$/, "")}/model.json`;
  return async (name) => {
    const response = await fetchOutside(new URL(name, base)).catch((cause: unknown) => {
      throw new AppError("BACKBONE_INVALID", `cannot reach ${base}`, { cause });
    });
    if (response.status === 404) return null;
    if (!response.ok) throw invalid(source, `${name}: HTTP ${response.status}`);
    return new Uint8Array(await response.arrayBuffer());
  };
}

async function must(read: Read, name: string, source: string): Promise<Uint8Array> {
  const bytes = await read(name);
  if (!bytes) throw invalid(source, `${name} is missing`);
  return bytes;
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch {
    return null;
  }
}

function invalid(source: string, what: string): AppError {
  return new AppError("BACKBONE_INVALID", `backbone ${source}: ${what}`);
}
