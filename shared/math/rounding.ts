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
import { nodeKey, type TreeNode } from "./tree-sum.js";
import { blockFloats, bodyOf, type Wire } from "./wire.js";
import { formats, round } from "./wire-kernels.js";

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

/** Where the draws of the parameters' change in a step begin. */
export function changeKeyOf(key: RoundingKey): number {
  return keyOf(key, "change");
}

function keyOf({ seed, stage, step }: RoundingKey, what: string): number {
  return keyHash(seed, "wire", stage.model, stage.round, step, what);
}
