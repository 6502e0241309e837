import { describe, expect, test } from "vitest";
import { methodConfigSchema } from "../../shared/config/method.js";
import { affinityOf, pamr } from "./pamr.js";
import { coloured, refineMap, resized, startSide } from "./refinement.js";

const method = methodConfigSchema.parse({
  imageSize: 64,
  pamr: { size: 16, dilations: [1, 2] },
  finePamr: { size: 32, dilations: [1] },
});
/** Left half dark, right half bright. */
const pixels = Uint8Array.from({ length: 64 * 64 * 3 }, (_, i) => (Math.floor(i / 3) % 64 < 32 ? 40 : 220));
const map = (side: number) => ({
  side,
  channels: 1,
  values: Float32Array.from({ length: side * side }, (_, i) => (i % side < side * 0.7 ? 1 : 0)),
});

describe("the grid a map starts on", () => {
  test.each([
    [{ coarse: 3, fine: 2 }, 16],
    [{ coarse: 0, fine: 2 }, 32],
    [{ coarse: 3, fine: 0 }, 16],
    [{ coarse: 0, fine: 0 }, 16],
  ])("%o: %i cells", (iterations, side) => {
    expect(startSide(method, iterations)).toBe(side);
  });

  test("is never finer than the image", () => {
    expect(startSide({ ...method, imageSize: 8 }, { coarse: 1, fine: 1 })).toBe(8);
  });
});

describe("refining", () => {
  test("no iterations: the map itself", async () => {
    const given = map(16);
    expect(await refineMap(method, pixels, given, { coarse: 0, fine: 0 })).toBe(given);
  });

  test("far on the coarse grid, then near on the fine one", async () => {
    const refined = await refineMap(method, pixels, map(16), { coarse: 10, fine: 2 });
    expect(refined.side).toBe(32);
    const column = (x: number) => refined.values[16 * 32 + x]!;
    expect(column(6)).toBeGreaterThan(0.95);
    expect(column(18)).toBeLessThan(column(12) * 0.6);
  });

  test("each grid is PAMR of the photo shrunk to it", async () => {
    const shrunk = Float32Array.from({ length: 32 * 32 * 3 }, (_, i) => (Math.floor(i / 3) % 32 < 16 ? 40 : 220));
    const { values } = await refineMap(method, pixels, map(32), { coarse: 0, fine: 3 });
    expect(values).toEqual(pamr(map(32).values, 1, affinityOf(shrunk, 32, [1]), 3));
  });
});

test("colours without weight change nothing, and a map keeps its values on its own grid", () => {
  const given = map(16);
  expect(coloured(64, pixels, given, 0)).toBe(given);
  expect(resized(given, 16)).toBe(given.values);
  expect(resized(given, 32)).toHaveLength(1024);
});
