/** What is exported, drawn again, is the mask. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Component, componentsOf } from "./components.js";
import { type Ring, ringsOf } from "./contours.js";
import { polygonOf, simplified } from "./polygons.js";
import { classCounts, cocoCounts, cocoMask, compressCounts, cvatCounts, expandCounts } from "./rle.js";

/** 0: outside, other digits: class ids. */
function map(...rows: string[]): { labels: Uint8Array; width: number; height: number } {
  return { labels: Uint8Array.from([...rows.join("")].map(Number)), width: rows[0]!.length, height: rows.length };
}

function objectsOf({ labels, width, height }: ReturnType<typeof map>): Component[] {
  return componentsOf(labels, width, height);
}

/** Pixel centres inside by the even-odd rule. */
function fill(ring: Ring, width: number, height: number): Uint8Array {
  return Uint8Array.from({ length: width * height }, (_, i) => {
    const [x, y] = [(i % width) + 0.5, Math.floor(i / width) + 0.5];
    let inside = 0;
    for (const [k, [ax, ay]] of ring.entries()) {
      const [bx, by] = ring[(k + 1) % ring.length]!;
      if (ay > y !== by > y && x < ax + ((y - ay) / (by - ay)) * (bx - ax)) inside ^= 1;
    }
    return inside;
  });
}

function whole(object: Component, width: number, height: number): Uint8Array {
  const mask = new Uint8Array(width * height);
  for (let y = 0; y < object.height; y++) {
    mask.set(object.mask.subarray(y * object.width, (y + 1) * object.width), (object.y + y) * width + object.x);
  }
  return mask;
}

function iou(a: Uint8Array, b: Uint8Array): number {
  let [both, either] = [0, 0];
  for (let i = 0; i < a.length; i++) {
    both += a[i]! & b[i]!;
    either += a[i]! | b[i]!;
  }
  return both / either;
}

const masks = fc.tuple(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 12 })).chain(([width, height]) => {
  const label = fc.constantFrom(0, 1, 1, 2, 255);
  return fc
    .array(label, { minLength: width * height, maxLength: width * height })
    .map((labels) => ({ labels: Uint8Array.from(labels), width, height }));
});

describe("components", () => {
  test("touch by sides, not by corners; classes and ignored pixels divide", () => {
    const found = objectsOf(map("1100", "0012", "1102"));
    const boxes = found.map(({ classId, area, x, y, width, height }) => [classId, area, x, y, width, height]);
    expect(boxes).toEqual([
      [1, 2, 0, 0, 2, 1],
      [1, 1, 2, 1, 1, 1],
      [2, 2, 3, 1, 1, 2],
      [1, 2, 0, 2, 2, 1],
    ]);
    expect(componentsOf(Uint8Array.from([255, 0, 255]), 3, 1)).toEqual([]);
  });

  test("together they are the label map", () => {
    fc.assert(
      fc.property(masks, ({ labels, width, height }) => {
        const drawn = new Uint8Array(labels.length);
        for (const object of componentsOf(labels, width, height)) {
          const mask = whole(object, width, height);
          expect(mask.reduce((sum, value) => sum + value, 0)).toBe(object.area);
          for (let i = 0; i < mask.length; i++) if (mask[i]) drawn[i] = object.classId;
        }
        expect(drawn).toEqual(labels.map((label) => (label === 255 ? 0 : label)));
      }),
    );
  });
});

describe("run-length codes", () => {
  test("are what COCO's own code writes", () => {
    // The example of cocoapi's mask.py: a mask of 1 0 0 / 1 1 0 in columns.
    expect(classCounts(map("100", "110").labels, 3, 2, 1)).toEqual([0, 2, 1, 1, 2]);
    // maskApi.c by hand: 40 is 01000 with more to come, then 1; the fourth is 3 - 2.
    expect(compressCounts([40, 2, 3, 3])).toBe("X1231");
    expect(expandCounts("X1231")).toEqual([40, 2, 3, 3]);
    expect(compressCounts([0, 1, 5, 100, 2])).toBe("015S3M");
  });

  test("decode to the mask, plain and compressed", () => {
    fc.assert(
      fc.property(masks, ({ labels, width, height }) => {
        for (const object of componentsOf(labels, width, height)) {
          const counts = cocoCounts(object, width, height);
          expect(counts.slice(1).every((run) => run > 0)).toBe(true);
          expect(cocoMask(counts, width, height)).toEqual(whole(object, width, height));
          expect(expandCounts(compressCounts(counts))).toEqual(counts);
        }
      }),
    );
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 2 ** 27 }), { maxLength: 30 }), (counts) => {
        expect(expandCounts(compressCounts(counts))).toEqual(counts);
      }),
    );
  });

  test("CVAT's run along the rows of the box", () => {
    const [ring] = objectsOf(map("00000", "01110", "01010", "01110"));
    expect(cvatCounts(ring!)).toEqual([0, 4, 1, 4]);
  });

  test("runs that do not fill the image are refused", () => {
    expect(() => cocoMask([3, 2], 2, 2)).toThrow(RangeError);
  });
});

describe("polygons", () => {
  test("a block is four corners, clockwise; a hole runs the other way", () => {
    const [frame] = objectsOf(map("1111", "1001", "1111"));
    expect(ringsOf(frame!)).toEqual([
      [
        [4, 0],
        [4, 3],
        [0, 3],
        [0, 0],
      ],
      [
        [1, 2],
        [3, 2],
        [3, 1],
        [1, 1],
      ],
    ]);
  });

  test("filled, they are the mask: holes, notches, pixels that touch by corners", () => {
    fc.assert(
      fc.property(masks, ({ labels, width, height }) => {
        for (const object of componentsOf(labels, width, height)) {
          expect(fill(polygonOf(object, 0), width, height)).toEqual(whole(object, width, height));
        }
      }),
      { numRuns: 300 },
    );
  });

  test("simplified by a pixel they keep an IoU above 0.98 with a quarter of the corners", () => {
    const [width, height] = [160, 120];
    // A wavy disc with a round hole.
    const labels = Uint8Array.from({ length: width * height }, (_, i) => {
      const [x, y] = [(i % width) - 75, Math.floor(i / width) - 60];
      const [radius, angle] = [Math.hypot(x, y), Math.atan2(y, x)];
      return radius < 42 + 8 * Math.sin(5 * angle) && Math.hypot(x - 10, y) > 12 ? 1 : 0;
    });
    const [object] = componentsOf(labels, width, height);
    const [exact, short] = [polygonOf(object!, 0), polygonOf(object!, 1)];
    expect(iou(fill(exact, width, height), labels)).toBe(1);
    expect(iou(fill(short, width, height), labels)).toBeGreaterThan(0.98);
    expect(short.length).toBeLessThan(exact.length / 4);
  });

  test("noise with thousands of holes takes no longer than a photo should", () => {
    const side = 400;
    // Every other pixel of every other row is a hole.
    const labels = Uint8Array.from({ length: side * side }, (_, i) => (i % 2 && Math.floor(i / side) % 2 ? 0 : 1));
    const [object] = componentsOf(labels, side, side);
    const startedMs = performance.now();
    expect(polygonOf(object!, 0).length).toBeGreaterThan(side * side * 0.25 * 4);
    expect(performance.now() - startedMs).toBeLessThan(10_000);
  });

  test("a ring never loses its area", () => {
    const [thin] = objectsOf(map("000", "010", "011"));
    expect(simplified(ringsOf(thin!)[0]!, 50).length).toBeGreaterThanOrEqual(3);
  });
});
