import { describe, expect, test } from "vitest";
import { Rng } from "../../../shared/rng.js";
import { appearanceFilter, denseCrf, smoothFilter } from "./dense-crf.js";
import { type Filter, meanField } from "./mean-field.js";
import { filter, latticeOf } from "./permutohedral.js";

function randoms(key: string, count: number, scale: number): Float32Array {
  const rng = new Rng("crf", key);
  return Float32Array.from({ length: count }, () => scale * rng.next());
}

/** Normalised Gaussian average by the definition: every pair of points. */
function bruteForce(features: Float32Array, dimension: number, values: Float32Array): number[] {
  const count = values.length;
  return Array.from({ length: count }, (_, i) => {
    let sum = 0;
    let total = 0;
    for (let j = 0; j < count; j++) {
      let distance = 0;
      for (let k = 0; k < dimension; k++)
        distance += (features[i * dimension + k]! - features[j * dimension + k]!) ** 2;
      sum += Math.exp(-distance / 2) * values[j]!;
      total += Math.exp(-distance / 2);
    }
    return sum / total;
  });
}

describe("permutohedral lattice", () => {
  test.each([1, 2, 3, 5])("comes close to the Gaussian average in %i dimensions", (dimension) => {
    const features = randoms(`features ${dimension}`, 400 * dimension, 4);
    const values = Float32Array.from({ length: 400 }, (_, i) => Math.sin(features[i * dimension]!) + 1);
    const lattice = latticeOf(features, dimension);
    const ones = filter(lattice, new Float32Array(400).fill(1), 1);
    const filtered = filter(lattice, values, 1).map((value, i) => value / ones[i]!);
    const exact = bruteForce(features, dimension, values);
    const error = exact.reduce((sum, value, i) => sum + Math.abs(value - filtered[i]!), 0) / 400;
    const spread = exact.reduce((sum, value) => sum + Math.abs(value - 1), 0) / 400;
    expect(error).toBeLessThan(0.12 * spread);
  });

  test("barycentric weights are shares", () => {
    const { weights, dimension } = latticeOf(randoms("weights", 300, 9), 3);
    for (let i = 0; i < weights.length; i += dimension + 1) {
      const own = weights.slice(i, i + dimension + 1);
      expect(Math.min(...own)).toBeGreaterThanOrEqual(-1e-5);
      expect(own.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 4);
    }
  });

  test("is symmetric: what i gives to j, j gives to i", () => {
    const lattice = latticeOf(randoms("symmetric", 60 * 2, 5), 2);
    const response = (i: number) => {
      const unit = new Float32Array(60);
      unit[i] = 1;
      return filter(lattice, unit, 1);
    };
    expect(response(3)[17]).toBeCloseTo(response(17)[3]!, 5);
  });

  test("channels do not mix", () => {
    const lattice = latticeOf(randoms("channels", 40 * 2, 3), 2);
    const [a, b] = [randoms("a", 40, 1), randoms("b", 40, 1)];
    const both = filter(
      lattice,
      Float32Array.from({ length: 80 }, (_, i) => (i % 2 ? b : a)[i >> 1]!),
      2,
    );
    expect([...both.filter((_, i) => i % 2 === 1)]).toEqual([...filter(lattice, b, 1)]);
  });
});

describe("mean field", () => {
  /** Two points, kernel [[1, k], [k, 1]]. */
  const pair =
    (k: number): Filter =>
    (values, channels) =>
      values.map((value, at) => value + k * values[(at + channels) % values.length]!);

  test("one iteration of two pixels by hand", () => {
    const [weight, k] = [2, 0.5];
    const q = meanField(Float32Array.of(0.9, 0.1, 0.4, 0.6), 2, [{ filter: pair(k), weight }], 1);
    // K 1 = 1.5 everywhere, so the normalised kernel is K / 1.5.
    const energy = (p: number, own: number, other: number) => Math.log(p) + (weight * (own + k * other)) / 1.5;
    const first = energy(0.9, 0.9, 0.4) - energy(0.1, 0.1, 0.6);
    const second = energy(0.4, 0.4, 0.9) - energy(0.6, 0.6, 0.1);
    expect(q[0]).toBeCloseTo(1 / (1 + Math.exp(-first)), 5);
    expect(q[2]).toBeCloseTo(1 / (1 + Math.exp(-second)), 5);
    expect(q[0]! + q[1]!).toBeCloseTo(1, 6);
  });

  test("no iteration, or no weight, gives the probabilities back", () => {
    const p = Float32Array.of(0.9, 0.1, 0.4, 0.6);
    for (const q of [meanField(p, 2, [], 3), meanField(p, 2, [{ filter: pair(1), weight: 5 }], 0)]) {
      q.forEach((value, i) => {
        expect(value).toBeCloseTo(p[i]!, 6);
      });
    }
  });
});

test("the smoothness kernel is a product of two Gaussians, cut at the frame", () => {
  const unit = new Float32Array(49);
  unit[0] = 1;
  const out = smoothFilter(7, 1)(unit, 1);
  expect(out[8]! / out[0]!).toBeCloseTo(Math.exp(-1), 5);
  expect(out[6 * 7]).toBe(0);
});

describe("dense CRF", () => {
  const size = 24;
  const options = {
    iterations: 5,
    smoothWeight: 3,
    smoothSigma: 1,
    colourWeight: 5,
    placeSigma: 20,
    colourSigma: 13,
  };
  const isObject = (i: number) => i % size >= 10;
  const photo = Float32Array.from({ length: size * size * 3 }, (_, i) => (isObject(Math.floor(i / 3)) ? 200 : 60));

  test("moves a border to the photo's edge, and removes specks", () => {
    // Right half, two columns late, with single wrong pixels.
    const specks = new Set([5 * size + 3, 12 * size + 20, 20 * size + 6]);
    const probabilities = new Float32Array(size * size * 2);
    for (let i = 0; i < size * size; i++) {
      const guess = i % size >= 12 ? 0.75 : 0.3;
      const p = specks.has(i) ? 1 - guess : guess;
      probabilities.set([1 - p, p], i * 2);
    }
    const q = denseCrf(probabilities, 2, photo, size, options);
    for (let i = 0; i < size * size; i++) expect(q[i * 2 + 1]! > 0.5, `pixel ${i}`).toBe(isObject(i));
  });

  test("the appearance kernel hardly crosses a colour edge", () => {
    const side = Float32Array.from({ length: size * size }, (_, i) => (isObject(i) ? 1 : 0));
    const kernel = appearanceFilter(photo, size, options);
    const ones = kernel(new Float32Array(size * size).fill(1), 1);
    const shares = kernel(side, 1).map((value, i) => value / ones[i]!);
    expect(shares[5 * size + 9]).toBeLessThan(1e-3);
    expect(shares[5 * size + 10]).toBeGreaterThan(1 - 1e-3);
  });
});
