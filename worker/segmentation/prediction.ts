/**
 * From the network's probabilities to a mask: plain arrays and no engine, so that the server, the command line and the
 * page of an exported model (web/) run the same code.
 */
import type { MethodConfig } from "../../shared/config/method.js";
import { BACKGROUND } from "../../shared/data/label-ids.js";
import { denseCrf } from "./crf/dense-crf.js";
import { maxOfEach, pickChannels, shrink } from "./images.js";
import { restrict } from "./labels.js";
import {
  coloured,
  type Iterations,
  type Pamr,
  type RefinementConfig,
  refineMap,
  type SquareMap,
  startSide,
} from "./refinement.js";
import { stretchedArgMax } from "./stretched-labels.js";

/** What prediction needs of the method; an exported model carries it along. */
export type FinishConfig = RefinementConfig & Pick<MethodConfig, "predict">;

export interface Probabilities {
  /** [side, side, classCount + 1]; side as `predictionSide` says. */
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

/** Side of the probabilities that `labelsFrom` wants, cells. */
export function predictionSide(method: FinishConfig): number {
  return startSide(method, iterationsOf(method));
}

/** Class ids, [height, width]. `pamrBy`: who refines the borders. */
export async function labelsFrom(method: FinishConfig, input: Probabilities, pamrBy?: Pamr): Promise<Uint8Array> {
  const { probabilities, classCount, pixels, width, height, allowed } = input;
  const ids = visibleIds(probabilities, classCount + 1, allowed);
  const visible: SquareMap = {
    values: restrict(probabilities, classCount + 1, ids),
    side: predictionSide(method),
    channels: ids.length,
  };
  const joined = coloured(method.imageSize, pixels, visible, method.predict.colourWeight);
  const refined = await refineMap(method, pixels, joined, iterationsOf(method), pamrBy);
  const { values, side, channels } = withCrf(method, pixels, refined);
  return stretchedArgMax(values, { height: side, width: side, channels }, height, width, ids);
}

/** The network's probabilities stretched to the photo, and nothing else: what is compared with other programs. */
export function rawLabelsFrom(method: FinishConfig, input: Probabilities): Uint8Array {
  const { probabilities, classCount, width, height, allowed } = input;
  const ids = allowed ? [BACKGROUND, ...allowed] : Array.from({ length: classCount + 1 }, (_, id) => id);
  const channels = ids.length;
  const side = predictionSide(method);
  const values = pickChannels(probabilities, classCount + 1, ids);
  return stretchedArgMax(values, { height: side, width: side, channels }, height, width, ids);
}

function iterationsOf({ predict, finePamr }: FinishConfig): Iterations {
  return { coarse: predict.pamrIterations, fine: finePamr.iterations };
}

/**
 * Background, and the classes that may show: those with 1 / channels of some pixel, the least with which one can win it.
 * Dropping the others saves refining dozens of absent classes.
 */
function visibleIds(probabilities: Float32Array, channels: number, allowed: readonly number[] | null): number[] {
  if (allowed) return [BACKGROUND, ...allowed];
  const largest = maxOfEach(probabilities, channels);
  return [...largest.keys()].filter((id) => id === BACKGROUND || largest[id]! >= 1 / channels);
}

/** Dense CRF with deviations given for the coarse grid, on whatever grid the map has. */
function withCrf(method: FinishConfig, pixels: Uint8Array, map: SquareMap): SquareMap {
  const { crf } = method.predict;
  if (crf.iterations === 0) return map;
  const zoom = map.side / Math.min(method.pamr.size, method.imageSize);
  const scaled = { ...crf, smoothSigma: crf.smoothSigma * zoom, placeSigma: crf.placeSigma * zoom };
  const small = shrink(pixels, method.imageSize, 3, map.side);
  return { ...map, values: denseCrf(map.values, map.channels, small, map.side, scaled) };
}
