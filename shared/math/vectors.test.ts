import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Rng } from "../rng.js";
import {
  type AdamWFactors,
  type AdamWNumbers,
  adamwInto,
  addInto,
  blockFloats,
  Checksum,
  checksumOf,
  mixInto,
  notFiniteIndex,
  VectorMemory,
} from "./vectors.js";

/** Of every magnitude that f32 has, with its edges: zeros, denormals, the largest, infinities, NaN. */
const edges = [0, -0, 1e-45, -1e-45, 1.1754942e-38, 1.17549435e-38, 3.4028235e38, -3.4028235e38];
const numbers = fc.oneof(
  { weight: 5, arbitrary: fc.float({ min: -4, max: 4, noNaN: true }) },
  { weight: 5, arbitrary: fc.float() },
  { weight: 1, arbitrary: fc.constantFrom(...edges, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY) },
);

/** Vectors of one length, between 0 and a few blocks, with random numbers in random places: in one memory, in several, in none. */
function vectors(count: number): fc.Arbitrary<Float32Array[]> {
  const lengths = fc.oneof(
    fc.nat(40),
    fc.constantFrom(blockFloats - 1, blockFloats, blockFloats + 1, 2 * blockFloats + 3),
  );
  const pools = fc.array(fc.array(numbers, { minLength: 1, maxLength: 61 }), { minLength: count, maxLength: count });
  const placed = fc.array(fc.constantFrom("here" as const, "there" as const, "elsewhere" as const), {
    minLength: count,
    maxLength: count,
  });
  return fc
    .tuple(lengths, fc.nat(5), pools, fc.oneof(placed, fc.constant([])))
    .map(([length, shift, filled, where]) => {
      const memories = { here: new VectorMemory(count * (length + 5)), there: new VectorMemory(count * (length + 5)) };
      return filled.map((pool, k) => {
        const place = where[k] ?? "here";
        // Neither addresses nor lengths are multiples of the vector's width.
        const roomy = place === "elsewhere" ? new Float32Array(length + shift) : memories[place].floats(length + shift);
        const values = roomy.subarray(shift);
        for (let i = 0; i < length; i++) values[i] = pool[i % pool.length]!;
        return values;
      });
    });
}

/** Where the bits differ; any NaN is as good as another. -1: nowhere. */
function differsAt(actual: Float32Array, expected: Float32Array): number {
  return actual.findIndex((value, i) => !Object.is(value, expected[i]));
}

/** Products, quotients and roots of f32 numbers, worked out in f64 and rounded, have the bits of f32 arithmetic. */
function adamwFormula({ values, m, v, gradient }: AdamWNumbers, factors: AdamWFactors): void {
  const f32 = Math.fround;
  const { beta1, beta2 } = factors;
  const [scale, stepSize, correction] = [f32(factors.scale), f32(factors.stepSize), f32(factors.correction)];
  const [epsilon, decay] = [f32(factors.epsilon), f32(factors.decay)];
  for (let i = 0; i < values.length; i++) {
    const g = f32(gradient[i]! * scale);
    const first = f32(f32(f32(beta1) * m[i]!) + f32(f32(1 - beta1) * g));
    const second = f32(f32(f32(beta2) * v[i]!) + f32(f32(f32(1 - beta2) * g) * g));
    m[i] = first;
    v[i] = second;
    const root = f32(f32(f32(Math.sqrt(second)) * correction) + epsilon);
    values[i] = values[i]! - f32(f32(values[i]! * decay) + f32(f32(first * stepSize) / root));
  }
}

describe("the compiled passes have the bits of the plain loops, for any numbers and lengths", () => {
  test("a step of AdamW", () => {
    // One length for all; gradients are finite, parameters and moments anything.
    const stepNumbers = vectors(4).map(([values, m, v, gradient]) => {
      return [values, m, v, gradient!.map((value) => (Number.isFinite(value) ? value : -1e-42))] as const;
    });
    const unit = fc.double({ min: 0, max: 1, noNaN: true });
    const factors: fc.Arbitrary<AdamWFactors> = fc.record({
      scale: fc.oneof(fc.constant(1), fc.float({ min: 0, max: 1, noNaN: true })),
      beta1: fc.constantFrom(0.9, 0.5),
      beta2: fc.constantFrom(0.999, 0.99),
      stepSize: fc.oneof(fc.constant(0), unit),
      correction: fc.double({ min: 1, max: 100, noNaN: true }),
      epsilon: fc.constantFrom(1e-8, 0),
      decay: fc.oneof(fc.constant(0), unit),
    });
    fc.assert(
      fc.property(stepNumbers, factors, fc.constantFrom("here", "apart", "there"), (vectors, given, where) => {
        const [values, m, v, gradient] = vectors;
        const actual = { values: values!, m: m!, v: v!, gradient: gradient! };
        const expected = { values: values!.slice(), m: m!.slice(), v: v!.slice(), gradient: gradient!.slice() };
        const room =
          where === "there" ? new VectorMemory(values!.length).floats(values!.length) : actual.values.slice();
        const moved = where === "here" ? actual.values : room;
        expect(adamwInto(actual, given, moved)).toBe(true);
        if (where !== "here") expect(differsAt(actual.values, expected.values)).toBe(-1);
        adamwFormula(expected, given);
        expect(differsAt(moved, expected.values)).toBe(-1);
        expect(differsAt(actual.m, expected.m)).toBe(-1);
        expect(differsAt(actual.v, expected.v)).toBe(-1);
        expect(differsAt(actual.gradient, expected.gradient)).toBe(-1);
      }),
      { numRuns: 400 },
    );
  });

  test("a step of AdamW where sums cancel, so that their last bits show", () => {
    const factors = {
      scale: 1,
      beta1: 0.9,
      beta2: 0.999,
      stepSize: 0.0123,
      correction: 1.7,
      epsilon: 1e-8,
      decay: 0.013,
    };
    const rng = new Rng("cancel");
    const gradient = Float32Array.from({ length: blockFloats }, () => (rng.uniform(0, 1e6) + 1) / 3e5);
    const zeros = () => new Float32Array(blockFloats);
    /** Every third number cancels in m, in v, or in the parameter. */
    const page = { values: zeros(), m: zeros(), v: zeros(), gradient };
    for (const [i, g] of gradient.entries()) {
      if (i % 3 === 0) page.m[i] = (-0.1 * g) / 0.9;
      if (i % 3 === 1) page.v[i] = (-0.001 * g * g) / 0.999;
      page.values[i] = (0.0123 * 0.1 * g) / (Math.sqrt(0.001 * g * g) * 1.7 + 1e-8) / 0.987;
    }
    const expected = { values: page.values.slice(), m: page.m.slice(), v: page.v.slice(), gradient };
    adamwInto(page, factors);
    adamwFormula(expected, factors);
    expect(differsAt(page.values, expected.values)).toBe(-1);
    expect(differsAt(page.m, expected.m)).toBe(-1);
    expect(differsAt(page.v, expected.v)).toBe(-1);
  });

  test("a sum", () => {
    fc.assert(
      fc.property(vectors(2), ([left, right]) => {
        const expected = left!.map((value, i) => value + right![i]!);
        addInto(left!, right!);
        expect(differsAt(left!, expected)).toBe(-1);
      }),
      { numRuns: 200 },
    );
  });

  test("a moving average", () => {
    const unit = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(vectors(2), unit, ([average, values], keep) => {
        const expected = average!.map((value, i) => keep * value + (1 - keep) * values![i]!);
        mixInto(average!, values!, keep);
        expect(differsAt(average!, expected)).toBe(-1);
      }),
      { numRuns: 200 },
    );
  });

  test("the search for what is not finite", () => {
    fc.assert(
      fc.property(vectors(1), ([values]) => {
        expect(notFiniteIndex(values!)).toBe(values!.findIndex((value) => !Number.isFinite(value)));
      }),
      { numRuns: 200 },
    );
  });
});

/** XXH32's round on sixteen lanes, one for each number of 64 bytes; what is no whole group of four is on the first ones. */
function checksumFormula(values: Float32Array): Uint8Array {
  const bits = new Uint32Array(values.slice().buffer);
  const sums = new Uint32Array(16);
  const grouped = bits.length - (bits.length % 4);
  for (let i = 0; i < Math.ceil(bits.length / 4) * 4; i++) {
    const lane = i < grouped ? i % 16 : i - grouped;
    const mixed = (sums[lane]! + Math.imul(bits[i] ?? 0, 2246822519)) >>> 0;
    sums[lane] = Math.imul((mixed << 13) | (mixed >>> 19), 2654435761);
  }
  return new Uint8Array(sums.buffer);
}

describe("a checksum", () => {
  test("is xxHash's rounds on sixteen lanes", () => {
    fc.assert(
      fc.property(vectors(1), ([values]) => {
        expect(checksumOf(values!)).toEqual(checksumFormula(values!));
      }),
      { numRuns: 200 },
    );
  });

  test("of pieces is that of all of them, whatever was worked on in between", () => {
    fc.assert(
      fc.property(vectors(1), fc.array(fc.nat(300), { maxLength: 9 }), ([values], cuts) => {
        const checksum = new Checksum();
        const bytes = new Uint8Array(values!.buffer, values!.byteOffset, values!.byteLength);
        let at = 0;
        for (const count of [...cuts, bytes.length]) {
          checksum.add(bytes.subarray(at, at + count));
          at = Math.min(at + count, bytes.length);
          notFiniteIndex(new Float32Array(5).fill(1));
          addInto(values!.slice(), values!);
          expect(checksum.bytes).toEqual(checksum.bytes);
        }
        expect(checksum.bytes).toEqual(checksumFormula(values!));
        expect(checksum.length).toBe(bytes.length);
      }),
      { numRuns: 200 },
    );
  });

  test("tells any changed bit, any two numbers that changed places, and what was left out", () => {
    const values = Float32Array.from({ length: 2 * blockFloats + 7 }, (_, i) => Math.sin(i));
    const own = checksumOf(values);
    for (const at of [0, 1, 17, blockFloats - 1, blockFloats, values.length - 1]) {
      const other = values.slice();
      const bits = new Uint32Array(other.buffer);
      bits[at] = bits[at]! ^ (1 << (at % 32));
      expect(checksumOf(other)).not.toEqual(own);
      const swapped = values.slice();
      [swapped[at], swapped[(at + 16) % values.length]] = [values[(at + 16) % values.length]!, values[at]!];
      expect(checksumOf(swapped)).not.toEqual(own);
    }
    expect(checksumOf(values.subarray(1))).not.toEqual(own);
    expect(checksumOf(values)).toEqual(own);
  });
});

test("what is not finite is found wherever it lies, and what was worked on before does not show", () => {
  const length = blockFloats + 5;
  for (const at of [0, 1, 2, 3, blockFloats - 1, blockFloats, length - 1]) {
    notFiniteIndex(new Float32Array(blockFloats).fill(Number.NaN));
    const values = new Float32Array(length);
    expect(notFiniteIndex(values)).toBe(-1);
    values[at] = Number.NEGATIVE_INFINITY;
    expect(notFiniteIndex(values)).toBe(at);
  }
});

test("a gradient that is not finite, once it is scaled, moves nothing from it on", () => {
  const factors = { beta1: 0.9, beta2: 0.999, stepSize: 0.1, correction: 1, epsilon: 1e-8, decay: 0 };
  for (const [bad, scale] of [
    [Number.NaN, 1],
    [Number.NEGATIVE_INFINITY, 0],
    [2e38, 2],
  ] as const) {
    const ones = () => new Float32Array(blockFloats + 5).fill(1);
    const page = { values: ones(), m: ones(), v: ones(), gradient: ones() };
    page.gradient[blockFloats + 4] = bad;
    expect(adamwInto(page, { ...factors, scale })).toBe(false);
    for (const vector of [page.values, page.m, page.v])
      expect(vector.findLastIndex((value) => value !== 1)).toBeLessThan(blockFloats + 4);
    expect(page.values[blockFloats - 1]).not.toBe(1);
  }
});

test("vectors of unequal lengths are a bug", () => {
  expect(() => addInto(new Float32Array(1), new Float32Array(2))).toThrow("equal lengths");
});

test("a memory gives zeros as long as it has room, then others, and none of more than a program can address", () => {
  const memory = new VectorMemory(10);
  const arrays = Array.from({ length: 40_000 }, () => memory.floats(3));
  expect(new Set(arrays.map(({ buffer }) => buffer)).size).toBeGreaterThan(1);
  arrays[0]!.fill(1);
  expect(arrays[1]).toEqual(new Float32Array(3));
  expect(arrays.at(-1)).toEqual(new Float32Array(3));
  const huge = new VectorMemory(2 ** 30);
  const [left, right] = [huge.floats(5).fill(1), huge.floats(5).fill(2)];
  addInto(left, right);
  expect(left).toEqual(new Float32Array(5).fill(3));
});
