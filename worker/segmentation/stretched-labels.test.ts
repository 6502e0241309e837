import { expect, test } from "vitest";
import { Rng } from "../../shared/rng.js";
import { argMax, resize } from "./images.js";
import { stretchedArgMax } from "./stretched-labels.js";

const names = [0, 7, 3, 12, 5];

/** Blobs a few cells wide, as probabilities are. `grain`: how finely values differ; coarse ones tie often. */
function blobs(seed: number, side: number, channels: number, grain: number): Float32Array {
  const rng = new Rng(seed, "blobs");
  const coarse = Float32Array.from({ length: 25 * channels }, () => Math.round(rng.next() * grain) / grain);
  return resize(coarse, { height: 5, width: 5, channels }, side, side);
}

function expectSame(map: Float32Array, side: number, channels: number, height: number, width: number): void {
  const from = { height: side, width: side, channels };
  const composite = argMax(resize(map, from, height, width), channels, names);
  expect(stretchedArgMax(map, from, height, width, names)).toEqual(composite);
}

const sizes = [
  [64, 64],
  [37, 91],
  [16, 16],
  [5, 3],
  [1, 1],
] as const;

test.each(sizes)("labels of blobs on %i x %i pixels are those of the stretched map", (height, width) => {
  for (const grain of [1, 2, 4, 1e9]) {
    for (const channels of [1, 2, 5]) expectSame(blobs(grain, 16, channels, grain), 16, channels, height, width);
  }
});

test("of leads that float32 rounds away, too", () => {
  const rng = new Rng(0, "ties");
  const ulp = 2 ** -24;
  const map = Float32Array.from({ length: 16 * 16 * 3 }, () => 0.5 + Math.floor(rng.next() * 3) * ulp);
  expectSame(map, 16, 3, 67, 53);
});

test("of numbers that are too small to have all digits", () => {
  const rng = new Rng(0, "small");
  const map = Float32Array.from({ length: 16 * 16 * 3 }, () => Math.floor(rng.next() * 4) * 2 ** -149);
  expectSame(map, 16, 3, 67, 53);
});

test("of values that are no finite numbers, and of negative ones", () => {
  const map = blobs(1, 16, 3, 1e9).map((value, i) => (i % 37 === 0 ? Number.NaN : i % 41 === 0 ? -1 / 0 : value - 0.5));
  expectSame(map, 16, 3, 40, 50);
});
