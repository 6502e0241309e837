/**
 * Moves the borders of score maps to edges of the photo: far ones first, by PAMR on a small grid, then close ones, by a
 * few iterations on a fine grid. One grid for both would be slow, and blurs what the network has drawn sharply.
 */
import type { MethodConfig } from "../../shared/config/method.js";
import { withColours } from "./colour.js";
import { resize, shrink } from "./images.js";
import { affinityOf, pamr } from "./pamr.js";

/** A square channel-last map, [side, side, channels]. */
export interface SquareMap {
  readonly values: Float32Array;
  readonly side: number;
  readonly channels: number;
}

/** The part of the method that refinement depends on. */
export type RefinementConfig = Pick<MethodConfig, "imageSize" | "pamr" | "finePamr">;

export interface Iterations {
  readonly coarse: number;
  readonly fine: number;
}

export interface PamrWork {
  /** The photo on the map's grid, [side, side, 3]. */
  readonly rgb: Float32Array;
  readonly map: SquareMap;
  readonly dilations: readonly number[];
  /** At least 1. */
  readonly iterations: number;
}

/** Who does PAMR: gives the map's new values, in an array of its own. */
export type Pamr = (work: PamrWork) => Float32Array | Promise<Float32Array>;

/** With every engine that has no kernels for it, and without an engine. */
export const pamrInArrays: Pamr = ({ rgb, map: { values, side, channels }, dilations, iterations }) =>
  pamr(values, channels, affinityOf(rgb, side, dilations), iterations);

/** Side of the maps that `refineMap` wants for these iterations, cells. */
export function startSide({ imageSize, pamr, finePamr }: RefinementConfig, { coarse, fine }: Iterations): number {
  return Math.min(imageSize, coarse > 0 || fine === 0 ? pamr.size : finePamr.size);
}

/** `pixels`: RGB, [imageSize, imageSize, 3]. The result's side is that of the last grid it was refined on. */
export async function refineMap(
  method: RefinementConfig,
  pixels: Uint8Array,
  map: SquareMap,
  iterations: Iterations,
  pamrBy: Pamr = pamrInArrays,
): Promise<SquareMap> {
  const { imageSize, pamr: coarse, finePamr: fine } = method;
  const far = await onGrid(pixels, imageSize, map, { ...coarse, iterations: iterations.coarse }, pamrBy);
  return onGrid(pixels, imageSize, far, { ...fine, iterations: iterations.fine }, pamrBy);
}

interface PamrGrid {
  readonly size: number;
  readonly dilations: readonly number[];
  readonly iterations: number;
}

async function onGrid(
  pixels: Uint8Array,
  imageSize: number,
  map: SquareMap,
  { size, dilations, iterations }: PamrGrid,
  pamrBy: Pamr,
): Promise<SquareMap> {
  if (iterations === 0) return map;
  const side = Math.min(size, imageSize);
  const start = { ...map, side, values: resized(map, side) };
  const rgb = shrink(pixels, imageSize, 3, side);
  return { ...start, values: await pamrBy({ rgb, map: start, dilations, iterations }) };
}

/** Joins class probabilities with the colours each class has in this photo; weight 0 leaves them as they are. */
export function coloured(imageSize: number, pixels: Uint8Array, map: SquareMap, weight: number): SquareMap {
  if (weight === 0) return map;
  const rgb = shrink(pixels, imageSize, 3, map.side);
  return { ...map, values: withColours(map.values, map.channels, rgb, weight) };
}

/** The map's values on a grid of another side. */
export function resized({ values, side, channels }: SquareMap, to: number): Float32Array {
  return to === side ? values : resize(values, { height: side, width: side, channels }, to, to);
}
