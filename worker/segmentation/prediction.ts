/**
 * From the network's probabilities to a mask: plain arrays and no engine, so that the server, the command line and the
 * page of an exported model (web/) run the same code.
 */
import type { MethodConfig } from "../../shared/config/method.js";
import { BACKGROUND } from "../../shared/data/label-ids.js";
import { denseCrf } from "./crf/dense-crf.js";
import { argMax, channel, maxOf, pickChannels, resize, shrink } from "./images.js";
import { affinityOf, pamr } from "./pamr.js";

/** What prediction needs of the method; an exported model carries it along. */
export type FinishConfig = Pick<MethodConfig, "imageSize" | "pamr" | "predict">;

export interface Probabilities {
  /** [side, side, classCount + 1]; side as `refineSide` says. */
  readonly probabilities: Float32Array;
  readonly classCount: number;
  /** RGB, [imageSize, imageSize, 3]. */
  readonly pixels: Uint8Array;
  /** Size of the mask wanted, pixels. */
  readonly width: number;
  readonly height: number;
  /** Class ids the answer may use besides background; null: all. */
  readonly allowed: readonly number[] | null;
}

/** Class ids, [height, width]. */
export function labelsFrom(method: FinishConfig, input: Probabilities): Uint8Array {
  const { probabilities, classCount, pixels, width, height, allowed } = input;
  const ids = visibleIds(probabilities, classCount + 1, allowed);
  const visible = pickChannels(probabilities, classCount + 1, ids);
  const refined = refineMap(method, pixels, visible, ids.length, method.predict.pamrIterations);
  const final = withCrf(method, pixels, refined, ids.length);
  const side = refineSide(method);
  const full = resize(final, { height: side, width: side, channels: ids.length }, height, width);
  return argMax(full, ids.length).map((k) => ids[k]!);
}

/**
 * Background, and the classes that may show. Whoever wins a pixel has at least 1 / channels of it, and neither PAMR nor
 * resizing raises a maximum: dropping the others changes no label, and saves refining dozens of absent classes.
 */
function visibleIds(probabilities: Float32Array, channels: number, allowed: readonly number[] | null): number[] {
  if (allowed) return [BACKGROUND, ...allowed];
  const ids = Array.from({ length: channels }, (_, id) => id);
  return ids.filter((id) => id === BACKGROUND || maxOf(channel(probabilities, channels, id)) >= 1 / channels);
}

function withCrf(method: FinishConfig, pixels: Uint8Array, map: Float32Array, channels: number): Float32Array {
  const { crf } = method.predict;
  if (crf.iterations === 0) return map;
  const side = refineSide(method);
  return denseCrf(map, channels, shrink(pixels, method.imageSize, 3, side), side, crf);
}

/** Masks are refined at this side, cells. */
export function refineSide(method: Pick<FinishConfig, "imageSize" | "pamr">): number {
  return Math.min(method.pamr.size, method.imageSize);
}

export function refineMap(
  method: Pick<FinishConfig, "imageSize" | "pamr">,
  pixels: Uint8Array,
  map: Float32Array,
  channels: number,
  iterations: number,
): Float32Array {
  if (iterations === 0) return map;
  const side = refineSide(method);
  const small = shrink(pixels, method.imageSize, 3, side);
  return pamr(map, channels, affinityOf(small, side, method.pamr.dilations), iterations);
}
