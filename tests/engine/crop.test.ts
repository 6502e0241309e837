import fc from "fast-check";
import { beforeAll, expect, test } from "vitest";
import { Rng } from "../../shared/rng.js";
import { type DrawPixels, drawCrop, drawPixels, type Light } from "../../worker/segmentation/augment.js";

let draw: DrawPixels;
beforeAll(async () => {
  // The built program: the kernels are compiled with it.
  const { openCropKernels } = (await import("../../dist/worker/wasm/crop.js" as string)) as {
    openCropKernels: () => Promise<DrawPixels>;
  };
  draw = await openCropKernels();
});

test("the compiled kernels draw the formula's crops, to the bit, for any photo, crop, light and size", () => {
  const sides = fc.constantFrom(1, 7, 32, 33, 97);
  const shift = fc.double({ min: -1, max: 1, noNaN: true });
  const gains = fc.double({ min: 0.5, max: 2, noNaN: true });
  const lights = fc.record({ gain: gains, offset: fc.tuple(shift, shift, shift), grey: fc.boolean() });
  fc.assert(
    fc.property(fc.nat(), sides, sides, lights, (key, imageSize, size, light: Light) => {
      const photo = new Rng("photo", key);
      const source = Uint8Array.from({ length: imageSize * imageSize * 3 }, () => photo.uniform(0, 256));
      const crop = drawCrop([0.1, 1], imageSize, new Rng("crop", key));
      // What another crop has left behind must not show.
      const [actual, expected] = [0, 1].map(() => new Float32Array(size * size * 3).fill(7)) as [
        Float32Array,
        Float32Array,
      ];
      draw(source, imageSize, crop, light, size, actual);
      drawPixels(source, imageSize, crop, light, size, expected);
      expect(actual.findIndex((value, i) => value !== expected[i])).toBe(-1);
    }),
    { numRuns: 300 },
  );
});
