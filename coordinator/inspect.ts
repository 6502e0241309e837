/** What is wrong with a result of a worker's, before it may count. Whatever it sends, the coordinator stays up. Pure. */
import { type Digest, float32Of, sha256 } from "../shared/codec/digest.js";
import { type ByteMap, decodeMapPack } from "../shared/codec/map-pack.js";
import { IGNORE } from "../shared/data/manifest.js";
import { paramCount, parseParamSpecs } from "../shared/data/param-specs.js";
import type { WorkMetrics } from "../shared/data/work-metrics.js";
import { AppError } from "../shared/errors.js";
import type { WorkResult } from "./adapters/worker-links.js";
import type { Phase } from "./core/plan.js";
import type { Defect } from "./training.js";

interface NamedBytes {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** Initial parameters: a layout, and as many finite numbers as it has room for. */
export function initDefect(outputs: readonly NamedBytes[]): Defect | null {
  return orDefect(() => {
    const specs = parseParamSpecs(bytesNamed(outputs, "specs"));
    const values = float32Of(bytesNamed(outputs, "params"));
    const count = paramCount(specs);
    if (values.length !== count) return wrong(`it has ${values.length} parameters, its layout ${count}`);
    const at = values.findIndex((value) => !Number.isFinite(value));
    return at < 0 ? null : { reason: `parameter ${at} is not finite`, isNumeric: true };
  });
}

export interface ShardFacts {
  /** Image indices of the shard, in order. */
  readonly images: readonly number[];
  /** Tags of each of them. */
  readonly tagCounts: readonly number[];
  /** Working size, pixels. */
  readonly side: number;
  readonly classCount: number;
}

/** Label packs, and CAM packs where there should be one. */
export function packDefect(outputs: readonly NamedBytes[], names: readonly string[], shard: ShardFacts): Defect | null {
  return orDefect(() => {
    for (const name of names) {
      const maps = decodeMapPack(bytesNamed(outputs, name));
      const images = maps.map(({ image }) => image).join();
      if (images !== shard.images.join())
        return wrong(`"${name}" is of the images ${images}, not ${shard.images.join()}`);
      const defect = maps.map((map, i) => mapDefect(name, map, i, shard)).find((one) => one !== null);
      if (defect) return defect;
    }
    return null;
  });
}

/** Counts of another number of classes cannot be merged. */
export function metricsDefect(metrics: WorkMetrics, classCount: number): Defect | null {
  const { cam, labels, ellipse, free, gated } = metrics;
  const other = [cam, labels, ellipse, free, gated].find((counts) => counts && counts.classCount !== classCount);
  return other ? wrong(`its counts are of ${other.classCount} classes, not ${classCount}`) : null;
}

function mapDefect(name: string, map: ByteMap, index: number, shard: ShardFacts): Defect | null {
  const { image, width, height, channels, data } = map;
  const shape = `${height}x${width}x${channels}`;
  if (name === "cam") {
    const isFit = channels === shard.tagCounts[index];
    return isFit ? null : wrong(`the CAM of image ${image} is ${shape}, but it has ${shard.tagCounts[index]} tags`);
  }
  const { side, classCount } = shard;
  if (width !== side || height !== side || channels !== 1) return wrong(`the labels of image ${image} are ${shape}`);
  const label = data.find((value) => value > classCount && value !== IGNORE);
  return label === undefined ? null : wrong(`image ${image} has label ${label} of ${classCount} classes`);
}

function bytesNamed(outputs: readonly NamedBytes[], name: string): Uint8Array {
  const output = outputs.find((one) => one.name === name);
  if (!output) throw new AppError("MESSAGE_INVALID", `it has no output "${name}"`);
  return output.bytes;
}

/** Of all that a worker sent: what two workers must agree on. */
export function resultDigest({ outputs, sums, kept }: Pick<WorkResult, "outputs" | "sums" | "kept">): Digest {
  return sha256(Buffer.from([...outputs, ...sums, ...kept].map(({ name, digest }) => `${name} ${digest}`).join("\n")));
}

/** Names of the packs that a shard of the phase results in. */
export function outputsOf(phase: Phase): string[] {
  if (phase.kind === "seed") return ["cam", "labels"];
  return phase.kind === "refine" ? ["labels"] : [];
}

function orDefect(check: () => Defect | null): Defect | null {
  try {
    return check();
  } catch (thrown) {
    return wrong(AppError.from(thrown).message);
  }
}

function wrong(reason: string): Defect {
  return { reason, isNumeric: false };
}
