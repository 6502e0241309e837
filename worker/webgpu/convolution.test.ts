import { expect, test } from "vitest";
import { fitsGrid } from "./convolution.js";

test.each([
  [8, 512, true],
  [15, 512, true],
  [16, 512, false],
])("a photo's first layer is ours for %d crops of %d px: %s", (batchSize, side, fits) => {
  const [inHeight, inWidth, outHeight, outWidth] = [side, side, side / 2, side / 2];
  expect(fitsGrid({ batchSize, inHeight, inWidth, outHeight, outWidth })).toBe(fits);
});
