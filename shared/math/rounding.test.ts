import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { keyHash } from "../rng.js";
import { roundingOf } from "./rounding.js";
import { decodeInto, encode } from "./wire.js";
import { formats, round } from "./wire-kernels.js";

const lossy = ["bf16", "int8"] as const;
type Rounding = (values: Float32Array, first: number, key: number) => void;
const roundToBf16: Rounding = (...given) => round(formats.bf16, ...given);
const roundToInt8: Rounding = (...given) => round(formats.int8, ...given);
const rounds = { bf16: roundToBf16, int8: roundToInt8 };
const stage = { model: "segmenter", round: 1 };
const leaf = { level: 0, index: 0 };

/** Its f32 neighbours among the numbers of 8 significant bits, by division instead of bits. */
function bf16Neighbours(value: number): readonly [number, number] {
  const quantum = 2 ** (Math.max(-126, Math.floor(Math.log2(Math.abs(value)))) - 7);
  return [Math.floor(value / quantum) * quantum, Math.ceil(value / quantum) * quantum];
}

function int8Neighbours(value: number, largest: number): readonly [number, number] {
  let quantum = 2 ** -127;
  while (127 * quantum < largest) quantum *= 2;
  return [Math.floor(value / quantum) * quantum, Math.ceil(value / quantum) * quantum];
}

const numbers = fc
  .tuple(fc.double({ min: -1, max: 1, noNaN: true }), fc.integer({ min: -120, max: 100 }))
  .map(([mantissa, exponent]) => Math.fround(mantissa * 2 ** exponent));

/** The mixer, in JavaScript. */
function hashOf(index: number, key: number): number {
  let x = index ^ key;
  x = Math.imul(x ^ (x >>> 16), 0x21f0aaad);
  x = Math.imul(x ^ (x >>> 15), 0x735a2d97);
  return (x ^ (x >>> 15)) >>> 0;
}

/** As the rule says, a number at a time. */
const formula: Record<(typeof lossy)[number], Rounding> = {
  bf16: (values, first, key) => {
    const bits = new Uint32Array(values.buffer);
    for (const [i, value] of values.entries()) {
      const draw = hashOf((first + i) >>> 1, key);
      if (Number.isFinite(value))
        bits[i] = ((bits[i]! + (i % 2 === 0 ? draw & 0xffff : draw >>> 16)) & 0xffff0000) >>> 0;
      else if (Number.isNaN(value)) values[i] = Number.NaN;
    }
  },
  int8: (values, first, key) => {
    for (let at = 0; at < values.length; at += 32) {
      const block = values.subarray(at, at + 32);
      const largest = block.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      if (!Number.isFinite(largest)) block.fill(Number.NaN);
      let quantum = 2 ** -127;
      while (127 * quantum < largest) quantum *= 2;
      for (const [i, value] of block.entries()) {
        if (Number.isFinite(largest))
          block[i] = Math.floor(value / quantum + hashOf(first + at + i, key) * 2 ** -32) * quantum;
      }
    }
  },
};

const anyBits = fc
  .integer({ min: 0, max: 2 ** 32 - 1 })
  .map((bits) => new Float32Array(Uint32Array.of(bits).buffer)[0]!);
const bitsOf = (values: Float32Array) => [...new Uint32Array(values.buffer)];

test.each(lossy)(
  "%s rounds as the formula does, to the bit, whatever the numbers, their count and their place",
  (wire) => {
    const lists = fc.array(fc.oneof({ weight: 9, arbitrary: numbers }, { weight: 1, arbitrary: anyBits }), {
      maxLength: 100,
    });
    fc.assert(
      fc.property(lists, fc.nat(10_000), fc.integer(), (list, block, key) => {
        const [ours, theirs] = [Float32Array.from(list), Float32Array.from(list)];
        rounds[wire](ours, block * 32, key);
        formula[wire](theirs, block * 32, key);
        expect(bitsOf(ours)).toEqual(bitsOf(theirs));
      }),
      { numRuns: 500 },
    );
  },
);

test.each(lossy)("%s rounds what is longer than a chunk as its parts", (wire) => {
  const whole = Float32Array.from({ length: 100_003 }, (_, i) => Math.sin(i) * 2 ** (i % 40));
  const theirs = whole.slice();
  rounds[wire](whole, 64, 5);
  formula[wire](theirs, 64, 5);
  expect(Buffer.compare(Buffer.from(whole.buffer), Buffer.from(theirs.buffer))).toBe(0);
  const { bytes } = encode(wire, whole, whole.length);
  const arrived = new Float32Array(whole.length);
  decodeInto(wire, bytes, whole.length, arrived);
  expect(Buffer.compare(Buffer.from(arrived.buffer), Buffer.from(whole.buffer))).toBe(0);
});

describe("rounding", () => {
  test("takes a number to one of its two neighbours, and leaves alone what can be written", () => {
    fc.assert(
      fc.property(fc.array(numbers, { minLength: 1, maxLength: 40 }), fc.nat(), (list, key) => {
        const given = Float32Array.from(list);
        for (const wire of lossy) {
          const once = given.slice();
          rounds[wire](once, 0, key);
          for (const [i, value] of given.entries()) {
            const block = given.slice(i - (i % 32), i - (i % 32) + 32).map(Math.abs);
            const pair = wire === "bf16" ? bf16Neighbours(value) : int8Neighbours(value, Math.max(...block));
            // -0 stays -0 as bf16, and is 0 as int8.
            expect(value === 0 ? [0] : pair, `${wire} of ${value}`).toContain(once[i]! + 0);
          }
          const twice = once.slice();
          rounds[wire](twice, 0, key + 1);
          expect(twice).toEqual(once);
          const arrived = new Float32Array(once.length);
          decodeInto(wire, encode(wire, once, once.length).bytes, once.length, arrived);
          expect(arrived).toEqual(once);
        }
      }),
      { numRuns: 300 },
    );
  });

  test("keeps zeros, infinities and what is no number in sight", () => {
    const odd = () => Float32Array.of(-0, 0, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY);
    for (let key = 0; key < 200; key++) {
      const halves = odd();
      // All ones: a carry would make it zero.
      new Uint32Array(halves.buffer)[2] = 0x7fffffff;
      roundToBf16(halves, 0, key);
      expect([...halves]).toEqual([-0, 0, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]);
    }
    const block = odd();
    roundToInt8(block, 0, 1);
    expect([...block]).toEqual(new Array(5).fill(Number.NaN));
  });

  test("sends what is beyond the largest number of the format to infinity, where it is seen", () => {
    const largest = Float32Array.of((2 - 2 ** -23) * 2 ** 127);
    const ends = Array.from({ length: 64 }, (_, key) => {
      const [halves, block] = [largest.slice(), largest.slice()];
      roundToBf16(halves, 0, keyHash(key));
      roundToInt8(block, 0, keyHash(key));
      return [halves[0]!, block[0]!];
    });
    expect(ends.flat()).toContain(Number.POSITIVE_INFINITY);
    expect(ends.flat().some(Number.isNaN)).toBe(false);
  });
});

/** Mean error over many steps, in standard errors of fair draws between the two neighbours. */
function bias(wire: (typeof lossy)[number], values: Float32Array, steps: number): number[] {
  const sums = new Float64Array(values.length);
  for (let step = 0; step < steps; step++) {
    const rounded = values.slice();
    roundingOf({ wire, seed: 3, stage, step })(leaf, rounded, 0, rounded.length + 2);
    for (const [i, value] of rounded.entries()) sums[i]! += value - values[i]!;
  }
  return [...values].map((value, i) => {
    const largest = Math.max(...values.slice(i - (i % 32), i - (i % 32) + 32).map(Math.abs));
    const [low, high] = wire === "bf16" ? bf16Neighbours(value) : int8Neighbours(value, largest);
    const deviation = Math.sqrt((value - low) * (high - value) * steps);
    return deviation === 0 ? sums[i]! : sums[i]! / deviation;
  });
}

describe("over many steps", () => {
  const values = Float32Array.from({ length: 64 }, (_, i) => Math.fround(Math.sin(i) * 10 ** ((i % 3) - 1)));

  test.each(lossy)("%s is right on average", (wire) => {
    const errors = bias(wire, values, 4_000);
    expect(Math.max(...errors.map(Math.abs))).toBeLessThan(4.5);
    // As of independent draws: a spread of one standard error.
    const spread = Math.sqrt(errors.reduce((sum, error) => sum + error ** 2, 0) / errors.length);
    expect(spread).toBeGreaterThan(0.7);
    expect(spread).toBeLessThan(1.3);
  });

  test.each(lossy)("a signal far below %s's quantum is not lost beside a large one", (wire) => {
    // Two micro-batches almost cancel: 1 and -1 + 2^-12, whose quanta are 2^-7 and more. To the nearest, the sum is 0.
    const signal = 2 ** -12;
    const steps = 40_000;
    let total = 0;
    for (let step = 0; step < steps; step++) {
      const round = roundingOf({ wire, seed: 0, stage, step });
      const [left, right] = [Float32Array.of(1, 0, 1), Float32Array.of(-1 + signal, 0, 1)];
      round(leaf, left);
      round({ level: 0, index: 1 }, right);
      left[0]! += right[0]!;
      round({ level: 1, index: 0 }, left);
      total += left[0]!;
    }
    // A quantum is 2^-8 at most for bf16 below 1, 2^-6 for int8: 32 and 128 standard deviations of the draw are aside.
    expect(total / steps / signal).toBeGreaterThan(0.8);
    expect(total / steps / signal).toBeLessThan(1.2);
  });

  test("draws of neighbouring numbers, nodes and steps have nothing to do with each other", () => {
    const half = new Float32Array(32).fill(1.5);
    half[0] = 127;
    const draws = (step: number, index: number) => {
      const rounded = half.slice();
      roundingOf({ wire: "int8", seed: 0, stage, step })({ level: 0, index }, rounded, 0, 34);
      return rounded.subarray(1).map((value) => value - 1.5);
    };
    const correlation = (other: (step: number) => Float32Array) => {
      let sum = 0;
      for (let step = 0; step < 500; step++) {
        const [a, b] = [draws(step, 0), other(step)];
        for (const [i, value] of a.entries()) sum += 4 * value * (b[i] ?? 0);
      }
      return sum / Math.sqrt(500 * 31);
    };
    expect(Math.abs(correlation((step) => draws(step, 1)))).toBeLessThan(4);
    expect(Math.abs(correlation((step) => draws(step + 1, 0)))).toBeLessThan(4);
    expect(Math.abs(correlation((step) => draws(step, 0).subarray(1)))).toBeLessThan(4);
  });
});

describe("what is rounded", () => {
  test("is the gradient, not the losses and the image count behind it, and nothing on an f32 wire", () => {
    const sum = Float32Array.from({ length: 70 }, (_, i) => Math.fround(0.1 * (i + 1)));
    for (const wire of lossy) {
      const rounded = sum.slice();
      roundingOf({ wire, seed: 0, stage, step: 0 })(leaf, rounded);
      expect(rounded.subarray(68)).toEqual(sum.subarray(68));
      expect(rounded.subarray(0, 68)).not.toEqual(sum.subarray(0, 68));
    }
    const same = sum.slice();
    roundingOf({ wire: "f32", seed: 0, stage, step: 0 })(leaf, same);
    expect(same).toEqual(sum);
  });

  test.each(lossy)("as %s is the same a slice at a time", (wire) => {
    const sum = Float32Array.from({ length: 200 }, (_, i) => Math.sin(i));
    const round = roundingOf({ wire, seed: 9, stage, step: 5 });
    const whole = sum.slice();
    round(leaf, whole);
    const [left, right] = [sum.slice(0, 96), sum.slice(96)];
    round(leaf, left, 0, 200);
    round(leaf, right, 96, 200);
    expect([...left, ...right]).toEqual([...whole]);
  });
});
