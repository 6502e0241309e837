import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Rng } from "../../../shared/rng.js";
import { blur } from "./blur.js";
import { toLab } from "./cielab.js";
import { felzenszwalb } from "./felzenszwalb.js";
import { slic } from "./slic.js";
import {
  areas,
  dilate,
  edgeMap,
  frameLengths,
  labelShares,
  neighbours,
  paint,
  regionMeans,
  renumber,
  type Superpixels,
  vote,
} from "./superpixels.js";

/** Grey pixels as RGB. */
const grey = (levels: readonly number[]) => levels.flatMap((level) => [level, level, level]);

/** Four flat quarters of different colour. */
function quarters(side: number): number[] {
  const colours = [
    [200, 40, 40],
    [40, 200, 40],
    [40, 40, 200],
    [220, 220, 40],
  ];
  return Array.from({ length: side * side }, (_, i) => {
    return colours[(i % side < side / 2 ? 0 : 1) + (i < (side * side) / 2 ? 0 : 2)]!;
  }).flat();
}

function noise(key: string, side: number): Uint8Array {
  const rng = new Rng("superpixels", key);
  return Uint8Array.from({ length: side * side * 3 }, () => rng.integer(256));
}

function isConnected({ regions, width, height, count }: Superpixels): boolean {
  const pieces = new Set<number>();
  const seen = new Uint8Array(regions.length);
  for (let start = 0; start < regions.length; start++) {
    if (seen[start]) continue;
    if (pieces.has(regions[start]!)) return false;
    pieces.add(regions[start]!);
    const queue = [start];
    seen[start] = 1;
    for (let i = queue.pop(); i !== undefined; i = queue.pop()) {
      for (const [dx, dy] of [
        [-1, 0],
        [1, 0],
        [0, -1],
        [0, 1],
        [-1, -1],
        [1, 1],
        [-1, 1],
        [1, -1],
      ] as const) {
        const [x, y] = [(i % width) + dx, Math.floor(i / width) + dy];
        const j = y * width + x;
        if (x < 0 || y < 0 || x >= width || y >= height || seen[j] || regions[j] !== regions[i]) continue;
        seen[j] = 1;
        queue.push(j);
      }
    }
  }
  return pieces.size === count;
}

describe("felzenszwalb", () => {
  // Differences are 1, 9, 1 levels, weights sqrt(3) times that. The pairs join first; then the middle edge, 15.59, is
  // held against 1.73 + k / 2.
  test.each([
    [3, [0, 0, 1, 1]],
    [27, [0, 0, 1, 1]],
    [28, [0, 0, 0, 0]],
  ])("joins regions only below their inner difference plus k / area (k = %s)", (k, expected) => {
    const cut = felzenszwalb(grey([0, 1, 10, 11]), 4, 1, { sigma: 0, k, minSize: 1 });
    expect([...cut.regions]).toEqual(expected);
  });

  test("a region below the minimum joins its most similar neighbour", () => {
    const cut = felzenszwalb(grey([0, 0, 40, 100, 100]), 5, 1, { sigma: 0, k: 1, minSize: 2 });
    expect([...cut.regions]).toEqual([0, 0, 0, 1, 1]);
  });

  test("finds the four quarters of a picture, in scan order", () => {
    const cut = felzenszwalb(quarters(16), 16, 16, { sigma: 0.3, k: 300, minSize: 10 });
    expect(cut.count).toBe(4);
    expect([...areas(cut)]).toEqual([64, 64, 64, 64]);
    expect([cut.regions[0], cut.regions[15], cut.regions[240], cut.regions[255]]).toEqual([0, 1, 2, 3]);
  });

  test("regions of noise are connected, large enough, and the same every time", () => {
    const photo = noise("felzenszwalb", 40);
    const cut = felzenszwalb(photo, 40, 40, { sigma: 0.5, k: 200, minSize: 12 });
    expect(isConnected(cut)).toBe(true);
    expect(Math.min(...areas(cut))).toBeGreaterThanOrEqual(12);
    expect(cut.count).toBeGreaterThan(3);
    expect(felzenszwalb(photo, 40, 40, { sigma: 0.5, k: 200, minSize: 12 })).toEqual(cut);
  });
});

describe("slic", () => {
  test("four regions of four quarters are the quarters", () => {
    const cut = slic(quarters(16), 16, 16, { count: 4, compactness: 10 });
    expect(cut.regions).toEqual(felzenszwalb(quarters(16), 16, 16, { sigma: 0, k: 100, minSize: 1 }).regions);
  });

  test("a flat picture becomes a grid", () => {
    const cut = slic(new Uint8Array(24 * 24 * 3).fill(90), 24, 24, { count: 16, compactness: 10 });
    expect(cut.count).toBe(16);
    for (const area of areas(cut)) expect(Math.abs(area - 36)).toBeLessThanOrEqual(13);
  });

  test("regions are connected whatever the picture", () => {
    fc.assert(
      fc.property(fc.integer({ min: 4, max: 30 }), fc.integer({ min: 1, max: 40 }), fc.nat(99), (side, count, key) => {
        const cut = slic(noise(String(key), side), side, side, { count, compactness: 5 });
        expect(isConnected(cut)).toBe(true);
      }),
      { numRuns: 40 },
    );
  });
});

describe("what is done with regions", () => {
  // 0 0 1
  // 2 2 1
  const cut = renumber(Int32Array.of(5, 5, 1, 3, 3, 1), 3, 2);

  test("are numbered in scan order", () => {
    expect([...cut.regions]).toEqual([0, 0, 1, 2, 2, 1]);
    expect(cut.count).toBe(3);
  });

  test("means, and painting them back", () => {
    const means = regionMeans([1, 3, 10, 5, 7, 20], 1, cut);
    expect([...means]).toEqual([2, 15, 6]);
    expect([...paint(means, 1, cut)]).toEqual([2, 2, 15, 6, 6, 15]);
    expect([...regionMeans([1, 0, 3, 0, 10, 1, 5, 0, 7, 2, 20, 1], 2, cut)]).toEqual([2, 0, 15, 1, 6, 1]);
  });

  test("the commonest label wins; 255 has no vote", () => {
    const labels = Uint8Array.of(1, 255, 255, 0, 2, 255);
    expect([...vote(labels, 3, cut)]).toEqual([1, 255, 0]);
    expect([...labelShares(labels, 3, cut)]).toEqual([0, 1, 0, 0, 0, 0, 0.5, 0, 0.5]);
  });

  test("neighbours, and length on the frame", () => {
    expect(neighbours(cut)).toEqual([
      [1, 2],
      [0, 2],
      [0, 1],
    ]);
    expect([...frameLengths(cut)]).toEqual([2, 2, 2]);
  });

  test("edges lie on both sides of a border, and widen", () => {
    const halves = renumber(Int32Array.of(0, 0, 0, 1, 1, 1), 6, 1);
    expect([...edgeMap(halves, 0)]).toEqual([0, 0, 1, 1, 0, 0]);
    expect([...edgeMap(halves, 1)]).toEqual([0, 1, 1, 1, 1, 0]);
    expect([...dilate(Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0, 0), 3, 3, 1)]).toEqual([1, 1, 0, 1, 1, 0, 0, 0, 0]);
  });
});

test("blur keeps the mean of a wide field and spreads a point by the Gaussian", () => {
  const point = new Float32Array(21).fill(0);
  point[10] = 1;
  const out = blur(point, 21, 1, 1, 1);
  expect(out[10]).toBeCloseTo(0.39894, 3);
  expect(out[11]! / out[10]!).toBeCloseTo(Math.exp(-0.5), 5);
  expect(out.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 5);
});

// Published values of the sRGB primaries.
test.each([
  [
    [255, 255, 255],
    [100, 0, 0],
  ],
  [
    [0, 0, 0],
    [0, 0, 0],
  ],
  [
    [255, 0, 0],
    [53.24, 80.09, 67.2],
  ],
  [
    [0, 0, 255],
    [32.3, 79.19, -107.86],
  ],
])("CIELAB of %s", (rgb, expected) => {
  toLab(rgb).forEach((value, k) => {
    expect(Math.abs(value - expected[k]!)).toBeLessThan(0.1);
  });
});
