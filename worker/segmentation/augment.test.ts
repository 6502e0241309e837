import fc from "fast-check";
import { expect, test } from "vitest";
import { IGNORE } from "../../shared/data/manifest.js";
import { Rng } from "../../shared/rng.js";
import { type Crop, cropLabels, drawCrop, drawPixels, type Light } from "./augment.js";
import { squarePicture } from "./testing.js";

const imageSize = 32;

/** The formula, one value at a time. */
function expected(source: Uint8Array, crop: Crop, light: Light, size: number): Float32Array {
  const out = new Float32Array(size * size * 3);
  const at = (start: number, i: number) =>
    Math.min(imageSize - 1, Math.max(0, start + ((i + 0.5) * crop.side) / size - 0.5));
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const [row, column] = [at(crop.y, y), at(crop.x, crop.mirrored ? size - 1 - x : x)];
      const [top, left] = [Math.floor(row), Math.floor(column)];
      const [bottom, right] = [Math.min(imageSize - 1, top + 1), Math.min(imageSize - 1, left + 1)];
      const [v, u] = [row - top, column - left];
      const value = (r: number, c: number, k: number) => source[(r * imageSize + c) * 3 + k]!;
      const colour = [0, 1, 2].map((k) => {
        const upper = value(top, left, k) * (1 - u) + value(top, right, k) * u;
        const lower = value(bottom, left, k) * (1 - u) + value(bottom, right, k) * u;
        return Math.fround((upper * (1 - v) + lower * v) / 127.5 - 1);
      });
      const luma = Math.fround(0.299 * colour[0]! + 0.587 * colour[1]! + 0.114 * colour[2]!);
      colour.forEach((one, k) => {
        const lit = (light.grey ? luma : one) * light.gain + light.offset[k]!;
        out[(y * size + x) * 3 + k] = Math.min(1, Math.max(-1, lit));
      });
    }
  }
  return out;
}

test("a crop is the formula's, to the bit, for any crop, light and size", () => {
  const sides = fc.constantFrom(8, 32, 48);
  fc.assert(
    fc.property(
      fc.nat(),
      sides,
      fc.boolean(),
      fc.double({ min: 0.5, max: 2, noNaN: true }),
      (key, size, grey, gain) => {
        const example = { ...squarePicture(key % 7, [1]), labels: null };
        const crop = drawCrop([0.3, 1], imageSize, new Rng("crop", key));
        const light: Light = { gain, offset: [0.1, -0.3, 0.7], grey };
        const pixels = new Float32Array(size * size * 3);
        const labels = new Int32Array(size * size);
        drawPixels(example.pixels, imageSize, crop, light, size, pixels);
        cropLabels(example, imageSize, crop, size, labels);
        expect(pixels).toEqual(expected(example.pixels, crop, light, size));
        expect(labels.every((label) => label === IGNORE)).toBe(true);
      },
    ),
    { numRuns: 60 },
  );
});
