/**
 * Stochastic rounding of sums to what travels (wire.ts). A number between two that can be written becomes either, with the
 * probability that makes it right on average: nothing is lost over many steps, however small, and no residual has to be
 * kept. The draw is a hash of (seed, stage, step, tree node, place), so that whoever computes a node has the same bits: the
 * two-round 32-bit mixer with the least bias that hash-prospector found (C. Wellons, public domain). As bf16 a pair of
 * numbers shares a draw, 16 bits each, which are added to those that go; as int8 it is the u of floor(x + u).
 * Rounding what is rounded changes nothing.
 */
import { assert } from "../assert.js";
import { keyHash } from "../rng.js";
import { nodeKey, type OpenSum, type TreeNode } from "./tree-sum.js";
import { notFiniteIndex } from "./vectors.js";
import {
  blockFloats,
  bodyOf,
  type Encoded,
  encodeRange,
  encodeSum,
  rangeOf,
  sumBytes,
  sumTailFloats,
  type Wire,
} from "./wire.js";
import { formats, type Heard, packRounded, round } from "./wire-kernels.js";

/** What all draws of a stage are a function of. */
export interface StageRounding {
  /** Absent: f32. */
  readonly wire?: Wire;
  readonly seed: number;
  readonly stage: { readonly model: string; readonly round: number };
}

export interface RoundingKey extends StageRounding {
  readonly step: number;
}

/**
 * Rounds numbers of a node's sum in place. `first`: index of the first of them in a sum of `length` numbers; a multiple of
 * `blockFloats`.
 */
export type RoundSum = (node: TreeNode, values: Float32Array, first?: number, length?: number) => void;

/** How the sums of a step are rounded; not at all where they travel as f32. */
export function roundingOf(key: RoundingKey): RoundSum {
  const { wire } = key;
  if (wire === undefined || wire === "f32") return () => undefined;
  return (node, values, first = 0, length = values.length) => {
    const body = values.subarray(0, bodyOf(first, first + values.length, length));
    assert(first % blockFloats === 0, "a slice begins with a block");
    round(formats[wire], body, first, keyOf(key, nodeKey(node)));
  };
}

/**
 * A whole sum as it travels, into `target`: rounded and written in one pass, in which `written` hears of all its bytes, in order. Where the
 * first number lies that then is NaN or infinite; -1: nowhere.
 */
export function writeSum(
  key: RoundingKey,
  { values, due }: OpenSum,
  target: Encoded,
  written: Heard<Uint8Array> = () => undefined,
): number {
  const { wire, body, bytes } = target;
  assert(wire !== "f32" && target.length === values.length, "a sum that is rounded has room");
  const draw = due && { first: 0, key: keyOf(key, nodeKey(due)) };
  const notFinite = packRounded(formats[wire], values.subarray(0, body), draw, bytes, written);
  const tail = values.subarray(body);
  encodeRange(target, body, tail);
  written(rangeOf(target, body, target.length).bytes);
  return notFinite >= 0 ? notFinite : tailIndex(body, notFiniteIndex(tail));
}

function tailIndex(body: number, index: number): number {
  return index < 0 ? -1 : body + index;
}

/** Memory for so many bytes. */
export type TakeBytes = (bytes: number) => Uint8Array;

/** A whole sum as it travels: where it lies, or, rounded, in what `take` gives. `written` hears of all its bytes, in order. */
export function sumAsSent(
  key: RoundingKey,
  sum: OpenSum,
  take: TakeBytes = (bytes) => new Uint8Array(bytes),
  written: Heard<Uint8Array> = () => undefined,
): Uint8Array {
  const { wire = "f32" } = key;
  const { values } = sum;
  const { length } = values;
  if (wire === "f32") {
    const bytes = encodeSum(wire, values);
    written(bytes);
    return bytes;
  }
  const target = { wire, body: length - sumTailFloats, length, bytes: take(sumBytes(wire, length)) };
  writeSum(key, sum, target, written);
  return target.bytes;
}

/** Where the draws of the parameters' change in a step begin. */
export function changeKeyOf(key: RoundingKey): number {
  return keyOf(key, "change");
}

function keyOf({ seed, stage, step }: RoundingKey, what: string): number {
  return keyHash(seed, "wire", stage.model, stage.round, step, what);
}
