import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Rng } from "../rng.js";
import { type Picture, resampleToSquare } from "./resample.js";

const side = fc.integer({ min: 1, max: 90 });
const squareSide = fc.integer({ min: 1, max: 60 });

function noise(width: number, height: number): Picture {
  const rng = new Rng("resample", width, height);
  return { width, height, rgb: Uint8Array.from({ length: width * height * 3 }, () => rng.uniform(0, 256)) };
}

function resampled(picture: Picture, size: number): Uint8Array {
  const out = new Uint8Array(size * size * 3);
  resampleToSquare(picture, size, out);
  return out;
}

/** [places, places of the source] in f64, from the kernels' formulas (Keys 1981; Lanczos as in Turkowski 1990). */
function weights(from: number, to: number): number[][] {
  const stretch = Math.max(1, from / to);
  const sinc = (x: number) => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x));
  const kernel = (x: number) => {
    const d = Math.abs(x);
    if (from > to) return d < 3 ? sinc(d) * sinc(d / 3) : 0;
    if (d < 1) return 1.5 * d ** 3 - 2.5 * d ** 2 + 1;
    return d < 2 ? -0.5 * d ** 3 + 2.5 * d ** 2 - 4 * d + 2 : 0;
  };
  return Array.from({ length: to }, (_, place) => {
    const centre = ((place + 0.5) * from) / to;
    const row = Array.from({ length: from }, (_, at) => kernel((at + 0.5 - centre) / stretch));
    const sum = row.reduce((total, weight) => total + weight, 0);
    return row.map((weight) => weight / sum);
  });
}

function byFormula({ width, height, rgb }: Picture, size: number): number[] {
  const [rows, columns] = [weights(height, size), weights(width, size)];
  const at = (place: number) => {
    const [row, column, channel] = [Math.floor(place / 3 / size), Math.floor(place / 3) % size, place % 3];
    let sum = 0;
    for (const [y, down] of rows[row]!.entries())
      for (const [x, across] of columns[column]!.entries()) sum += down * across * rgb[(y * width + x) * 3 + channel]!;
    return Math.min(255, Math.max(0, sum));
  };
  return Array.from({ length: size * size * 3 }, (_, place) => at(place));
}

describe("resampleToSquare", () => {
  test("is the kernels' formula, to the rounding of weights", () => {
    const small = fc.integer({ min: 1, max: 30 });
    fc.assert(
      fc.property(small, small, fc.integer({ min: 1, max: 16 }), (width, height, size) => {
        const picture = noise(width, height);
        const expected = byFormula(picture, size);
        const got = resampled(picture, size);
        expect(farthest(got, expected)).toBeLessThan(1);
      }),
      { numRuns: 60 },
    );
  });

  test("leaves one colour as it is", () => {
    fc.assert(
      fc.property(side, side, squareSide, fc.integer({ min: 0, max: 255 }), (width, height, size, value) => {
        const rgb = new Uint8Array(width * height * 3).fill(value);
        expect(new Set(resampled({ width, height, rgb }, size))).toEqual(new Set([value]));
      }),
    );
  });

  test("a mirrored picture gives the mirrored square: nothing moves", () => {
    fc.assert(
      fc.property(side, side, squareSide, (width, height, size) => {
        const picture = noise(width, height);
        const turned = { width, height, rgb: turn(picture.rgb) };
        const [got, expected] = [resampled(turned, size), turn(resampled(picture, size))];
        expect(farthest(got, expected)).toBeLessThanOrEqual(1);
      }),
    );
  });

  test("does not depend on what was resampled before", () => {
    const picture = noise(50, 31);
    const before = resampled(picture, 40);
    resampled(noise(200, 170), 90);
    expect(resampled(picture, 40)).toEqual(before);
  });
});

function farthest(got: Uint8Array, expected: ArrayLike<number>): number {
  return got.reduce((most, value, at) => Math.max(most, Math.abs(value - expected[at]!)), 0);
}

/** Upside down and mirrored: the last pixel first. */
function turn(rgb: Uint8Array): Uint8Array {
  const pixels = rgb.length / 3;
  return Uint8Array.from(rgb, (_, at) => rgb[(pixels - 1 - Math.floor(at / 3)) * 3 + (at % 3)]!);
}
