/**
 * Stochastic rounding of sums to what travels (wire.ts). A number between two that can be written becomes either, with the
 * probability that makes it right on average: nothing is lost over many steps, however small, and no residual has to be
 * kept. The draw is a hash of (seed, stage, step, tree node, place), so that whoever computes a node has the same bits.
 * Rounding what is rounded changes nothing.
 */
import { assert } from "../assert.js";
import { keyHash } from "../rng.js";
import { nodeKey, type TreeNode } from "./tree-sum.js";
import { blockFloats, bodyOf, inverseOf, notFiniteScale, scaleOf, scaleValue, type Wire } from "./wire.js";

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
    roundAs(wire, body, first, keyOf(key, nodeKey(node)));
  };
}

/** Rounds the change of parameters from `first` on that a step leads to, in place. */
export type RoundChange = (values: Float32Array, first: number) => void;

export function changeRoundingOf(wire: Exclude<Wire, "f32">, key: RoundingKey): RoundChange {
  const hash = keyOf(key, "change");
  return (values, first) => roundAs(wire, values, first, hash);
}

function keyOf({ seed, stage, step }: RoundingKey, what: string): number {
  return keyHash(seed, "wire", stage.model, stage.round, step, what);
}

function roundAs(wire: Exclude<Wire, "f32">, values: Float32Array, first: number, key: number): void {
  assert(first % blockFloats === 0, "what is rounded begins with a block");
  if (wire === "bf16") roundToBf16(values, first, key);
  else roundToInt8(values, first, key);
}

const infinity = 0x7f800000;

/** 16 random bits are added to the 16 that go, and carry into those that stay. Two numbers share a draw. */
export function roundToBf16(values: Float32Array, first: number, key: number): void {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  for (let i = 0; i < bits.length; i += 2) {
    const draw = hashOf((first + i) >>> 1, key);
    bits[i] = roundedBits(bits[i]!, draw & 0xffff);
    if (i + 1 < bits.length) bits[i + 1] = roundedBits(bits[i + 1]!, draw >>> 16);
  }
}

function roundedBits(bits: number, draw: number): number {
  if ((bits & infinity) !== infinity) return (bits + draw) & 0xffff0000;
  return (bits & 0x7fffff) === 0 ? bits : 0x7fc00000;
}

/** To multiples of the block's scale. One number that is not finite makes its block so. */
export function roundToInt8(values: Float32Array, first: number, key: number): void {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  for (let at = 0; at < values.length; at += blockFloats) {
    const end = Math.min(at + blockFloats, values.length);
    const scale = scaleOf(bits, at, end);
    if (scale === notFiniteScale) values.fill(Number.NaN, at, end);
    else roundBlock(values, at, end, scale, first, key);
  }
}

/** floor(x + u), u uniform in [0, 1): by truncation, which rounds down what is positive. */
function roundBlock(values: Float32Array, at: number, end: number, scale: number, first: number, key: number): void {
  const [step, inverse] = [scaleValue(scale), inverseOf(scale)];
  for (let i = at; i < end; i++) {
    const uniform = (hashOf(first + i, key) >>> 0) * 2 ** -32;
    values[i] = (((values[i]! * inverse + uniform + 128) | 0) - 128) * step;
  }
}

/** The two-round 32-bit mixer with the least bias that hash-prospector found (C. Wellons, public domain). */
function hashOf(index: number, key: number): number {
  let x = index ^ key;
  x = Math.imul(x ^ (x >>> 16), 0x21f0aaad);
  x = Math.imul(x ^ (x >>> 15), 0x735a2d97);
  return x ^ (x >>> 15);
}
