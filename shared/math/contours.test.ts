import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { contourScores, countContours, emptyContours, mergeContours, squaredDistances } from "./contours.js";

const classes = ["horse", "zebra"];

/** A square of the label, `inset` pixels from the frame, moved right by `shift`. */
function square(side: number, inset: number, shift = 0, label = 1): Uint8Array {
  return Uint8Array.from({ length: side * side }, (_, i) => {
    const [x, y] = [(i % side) - shift, Math.floor(i / side)];
    return Math.min(x, y, side - 1 - x, side - 1 - y) >= inset ? label : 0;
  });
}

function scores(truth: Uint8Array, predicted: Uint8Array, width: number) {
  const counts = emptyContours(2);
  countContours(counts, truth, predicted, width, truth.length / width);
  return contourScores(counts, classes);
}

test("identical masks score 1", () => {
  const { boundaryF, boundaryFByClass, trimap } = scores(square(32, 8), square(32, 8), 32);
  expect(boundaryF).toBe(1);
  expect(boundaryFByClass).toEqual({ horse: 1, zebra: null });
  expect(trimap.every(({ miou }) => miou === 1)).toBe(true);
});

test("no contour anywhere: nothing to score", () => {
  expect(scores(new Uint8Array(64), new Uint8Array(64), 8)).toMatchObject({ boundaryF: null });
  expect(scores(new Uint8Array(64), square(8, 2), 8).boundaryF).toBe(0);
});

describe("boundary F", () => {
  test("forgives a shift within the tolerance, and not beyond it", () => {
    // Diagonal 181: the tolerance is ceil(1.45) = 2 pixels.
    expect(scores(square(128, 30), square(128, 30, 2), 128).boundaryF).toBe(1);
    expect(scores(square(128, 30), square(128, 30, 3), 128).boundaryF).toBeLessThan(1);
  });

  test("by hand: two strips of two columns, four apart from the truth's", () => {
    // Truth: columns 2..3, predicted: columns 2..3 and 10..11. Tolerance ceil(0.008 * 16.1) = 1.
    const row = (columns: number[]) => Array.from({ length: 16 }, (_, x) => (columns.includes(x) ? 1 : 0));
    const truth = Uint8Array.from([...row([2, 3]), ...row([2, 3])]);
    const predicted = Uint8Array.from([...row([2, 3, 10, 11]), ...row([2, 3, 10, 11])]);
    const precision = 4 / 8;
    expect(scores(truth, predicted, 16).boundaryF).toBeCloseTo((2 * precision * 1) / (precision + 1));
  });

  test("what lies in the unknown does not count", () => {
    const truth = Uint8Array.of(0, 0, 1, 1, 1, 255, 255, 255);
    const predicted = Uint8Array.of(0, 0, 1, 1, 1, 0, 1, 0);
    expect(scores(truth, predicted, 8).boundaryF).toBe(1);
  });
});

describe("trimap", () => {
  test("counts inside the band only: an error far from the true contour is not seen", () => {
    const truth = square(64, 24);
    const predicted = truth.slice();
    predicted[32 * 64 + 4] = 1;
    const { trimap } = scores(truth, predicted, 64);
    expect(trimap[0]).toEqual({ width: 1, miou: 1 });
    expect(trimap.at(-1)!.miou).toBeLessThan(1);
  });

  test("by hand: the narrowest band is one pixel on each side", () => {
    // Contour between 2 | 3; band = pixels 2, 3. Predicted border one pixel early: 2 is wrong.
    const truth = Uint8Array.of(0, 0, 0, 1, 1, 1, 1, 1);
    const predicted = Uint8Array.of(0, 0, 1, 1, 1, 1, 1, 1);
    const { trimap } = scores(truth, predicted, 8);
    expect(trimap.slice(0, 3).map(({ miou }) => miou)).toEqual([1 / 2, 2 / 3, 4 / 5]);
  });
});

test("counts merge to the same sums whatever the order", () => {
  const pairs = [2, 3, 5, 9].map((inset) => [square(32, inset), square(32, 6, 1, (inset % 2) + 1)] as const);
  const count = (part: typeof pairs) => {
    const counts = emptyContours(2);
    for (const [truth, predicted] of part) countContours(counts, truth, predicted, 32, 32);
    return JSON.parse(JSON.stringify(counts));
  };
  expect(mergeContours(count(pairs.slice(2)), count(pairs.slice(0, 2)))).toEqual(count(pairs));
  expect(mergeContours(count(pairs), emptyContours(2))).toEqual(count(pairs));
});

test("distances are exact", () => {
  const mask = fc.record({
    width: fc.integer({ min: 1, max: 12 }),
    height: fc.integer({ min: 1, max: 12 }),
    points: fc.array(fc.nat(143), { minLength: 1, maxLength: 6 }),
  });
  fc.assert(
    fc.property(mask, ({ width, height, points }) => {
      const on = new Uint8Array(width * height);
      for (const point of points) on[point % on.length] = 1;
      const squares = squaredDistances(on, width, height);
      squares.forEach((square, i) => {
        const [x, y] = [i % width, Math.floor(i / width)];
        const all = Array.from(on, (is, j) => (is ? (x - (j % width)) ** 2 + (y - Math.floor(j / width)) ** 2 : 1e9));
        expect(square).toBe(Math.min(...all));
      });
    }),
  );
});
