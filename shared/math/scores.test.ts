import fc from "fast-check";
import { expect, test } from "vitest";
import { boundaryBand, boundaryDistance } from "./boundary.js";
import { ellipseLabels } from "./ellipse.js";
import { countImage, emptyCounts, mergeCounts, scoresOf } from "./scores.js";

const classes = ["horse", "zebra"];

function square(side: number, inset: number, label = 1): Uint8Array {
  return Uint8Array.from({ length: side * side }, (_, i) => {
    const x = i % side;
    const y = Math.floor(i / side);
    return Math.min(x, y, side - 1 - x, side - 1 - y) >= inset ? label : 0;
  });
}

function scoresFor(truth: Uint8Array, predicted: Uint8Array, width: number) {
  const counts = emptyCounts(2);
  countImage(counts, truth, predicted, width, truth.length / width);
  return scoresOf(counts, classes);
}

/** Label maps up to 24 x 24 with classes 0..2 and 255, in blobs rather than noise. */
const pairArbitrary = fc
  .record({
    width: fc.integer({ min: 1, max: 24 }),
    height: fc.integer({ min: 1, max: 24 }),
    rectangles: fc.array(
      fc.record({
        on: fc.constantFrom("truth", "predicted", "both"),
        label: fc.constantFrom(0, 1, 2, 255),
        box: fc.array(fc.nat(23), { minLength: 4, maxLength: 4 }),
      }),
      { maxLength: 8 },
    ),
  })
  .map(({ width, height, rectangles }) => {
    const truth = new Uint8Array(width * height);
    const predicted = new Uint8Array(width * height);
    for (const { on, label, box } of rectangles) {
      const [x0, x1] = [Math.min(box[0]!, box[1]!), Math.max(box[0]!, box[1]!)];
      const [y0, y1] = [Math.min(box[2]!, box[3]!), Math.max(box[2]!, box[3]!)];
      for (let y = y0; y <= Math.min(y1, height - 1); y++) {
        for (let x = x0; x <= Math.min(x1, width - 1); x++) {
          if (on !== "predicted") truth[y * width + x] = label;
          if (on !== "truth") predicted[y * width + x] = label;
        }
      }
    }
    return { width, height, truth, predicted };
  });

/** boundary-iou-api, literally: pad by one pixel of background, erode `distance` times by 3 x 3 ones, subtract. */
function referenceBand(mask: boolean[], width: number, height: number, distance: number): boolean[] {
  const columns = width + 2;
  const rows = height + 2;
  let eroded = Array.from({ length: columns * rows }, (_, i) => {
    const x = (i % columns) - 1;
    const y = Math.floor(i / columns) - 1;
    return x >= 0 && y >= 0 && x < width && y < height && mask[y * width + x]!;
  });
  for (let step = 0; step < distance; step++) eroded = erodeOnce(eroded, columns, rows);
  return mask.map((inside, i) => inside && !eroded[(Math.floor(i / width) + 1) * columns + (i % width) + 1]!);
}

function erodeOnce(mask: boolean[], columns: number, rows: number): boolean[] {
  return mask.map((_, i) => {
    for (const dy of [-1, 0, 1]) {
      for (const dx of [-1, 0, 1]) {
        const x = (i % columns) + dx;
        const y = Math.floor(i / columns) + dy;
        if (x >= 0 && y >= 0 && x < columns && y < rows && !mask[y * columns + x]) return false;
      }
    }
    return true;
  });
}

test("identical maps score 1 everywhere, and a class in neither map is left out", () => {
  const map = square(40, 10);
  expect(scoresFor(map, map, 40)).toEqual({
    images: 1,
    miou: 1,
    fgMiou: 1,
    boundaryIou: 1,
    precision: 1,
    recall: 1,
    iou: { horse: 1, zebra: null },
    backgroundIou: 1,
    boundaryIouByClass: { horse: 1, zebra: null },
    contours: null,
  });
});

test("growing a big square by one pixel barely moves IoU but drops Boundary IoU", () => {
  const scores = scoresFor(square(256, 28), square(256, 27), 256);
  expect(scores.iou.horse).toBeGreaterThan(0.97);
  expect(scores.boundaryIou).toBeLessThan(0.8);
});

test("Boundary IoU of a tiny object is its IoU", () => {
  const scores = scoresFor(square(64, 30), square(64, 31), 64);
  expect(scores.boundaryIou).toBe(scores.iou.horse);
});

test("nothing against nothing has no foreground score, and survives JSON", () => {
  const scores = scoresFor(new Uint8Array(64), new Uint8Array(64), 8);
  expect(scores).toMatchObject({ miou: 1, fgMiou: null, boundaryIou: null, precision: null, recall: null });
  expect(JSON.parse(JSON.stringify(scores))).toEqual(scores);
});

test("a missed object costs recall, an invented one precision, a confused one both", () => {
  const truth = Uint8Array.from([1, 1, 0, 0]);
  expect(scoresFor(truth, Uint8Array.from([1, 0, 0, 0]), 4)).toMatchObject({ precision: 1, recall: 0.5 });
  expect(scoresFor(truth, Uint8Array.from([1, 1, 1, 0]), 4)).toMatchObject({ precision: 2 / 3, recall: 1 });
  expect(scoresFor(truth, Uint8Array.from([1, 2, 0, 0]), 4)).toMatchObject({ precision: 0.5, recall: 0.5 });
});

test("pixels with truth 255 do not count; pixels left open by the prediction are missed", () => {
  const truth = Uint8Array.from([1, 1, 255, 0]);
  expect(scoresFor(truth, Uint8Array.from([1, 1, 2, 0]), 4)).toMatchObject({ miou: 1, precision: 1 });
  const open = scoresFor(truth, Uint8Array.from([1, 255, 2, 0]), 4);
  expect(open).toMatchObject({ precision: 1, recall: 0.5, backgroundIou: 1, iou: { horse: 0.5 } });
});

test("a label outside the classes is refused and changes nothing", () => {
  const counts = emptyCounts(2);
  expect(() => countImage(counts, Uint8Array.of(0, 1), Uint8Array.of(0, 7), 2, 1)).toThrow(/predicted label is 7/);
  expect(counts).toEqual(emptyCounts(2));
});

test("the sum of the parts is the whole, in any order and through JSON", () => {
  fc.assert(
    fc.property(fc.array(pairArbitrary, { maxLength: 6 }), fc.nat(6), (pairs, cut) => {
      const count = (part: typeof pairs) => {
        const counts = emptyCounts(2, { contours: true });
        for (const { truth, predicted, width, height } of part) countImage(counts, truth, predicted, width, height);
        return JSON.parse(JSON.stringify(counts));
      };
      const whole = count(pairs);
      expect(mergeCounts(count(pairs.slice(cut)), count(pairs.slice(0, cut)))).toEqual(whole);
      expect(mergeCounts(whole, emptyCounts(2))).toEqual(whole);
    }),
  );
});

test("Boundary IoU by hand: a square of 8 moved by one pixel", () => {
  // Diagonal 28.3: the band is one pixel wide, so each band is the square's ring of 28 pixels. The rings share 7 pixels
  // of the upper row and 7 of the lower one: 14 / (28 + 28 - 14). The squares share 7 columns of 8: 56 / (64 + 64 - 56).
  const at = (left: number) =>
    Uint8Array.from({ length: 400 }, (_, i) => {
      const [x, y] = [(i % 20) - left, Math.floor(i / 20) - 6];
      return x >= 0 && x < 8 && y >= 0 && y < 8 ? 1 : 0;
    });
  const scores = scoresFor(at(5), at(6), 20);
  expect(scores.boundaryIou).toBe(14 / 42);
  expect(scores.iou.horse).toBe(56 / 72);
});

test("Boundary IoU by hand: an object at the frame has a contour there", () => {
  // The left half of 20 x 20 against its left 9 columns. Rings of 10 x 20 and 9 x 20: 56 and 54 pixels; they share the
  // upper and lower rows (9 each) and the first column (18 more).
  const half = (columns: number) => Uint8Array.from({ length: 400 }, (_, i) => (i % 20 < columns ? 1 : 0));
  expect(scoresFor(half(10), half(9), 20).boundaryIou).toBe(36 / (56 + 54 - 36));
});

test("contours are merged where both halves have them, and never told of a part of the images", () => {
  const one = (contours: boolean) => {
    const counts = emptyCounts(2, { contours });
    countImage(counts, square(16, 4), square(16, 5), 16, 16);
    return counts;
  };
  expect(scoresOf(mergeCounts(one(true), one(true)), classes).contours).toEqual(scoresOf(one(true), classes).contours);
  expect(mergeCounts(one(true), one(false)).contours).toBeNull();
  expect(mergeCounts(one(true), emptyCounts(2)).contours).toEqual(one(true).contours);
});

test("Boundary IoU counts equal the reference implementation's, class by class", () => {
  fc.assert(
    fc.property(pairArbitrary, ({ truth, predicted, width, height }) => {
      const counts = emptyCounts(2);
      countImage(counts, truth, predicted, width, height);
      const distance = boundaryDistance(width, height);
      for (const id of [0, 1, 2]) {
        const bands = [truth, predicted].map((map) => {
          return referenceBand(
            Array.from(map, (label) => label === id),
            width,
            height,
            distance,
          );
        });
        const known = Array.from(truth, (label) => label !== 255);
        const both = known.filter((is, i) => is && bands[0]![i] && bands[1]![i]).length;
        const either = known.filter((is, i) => is && (bands[0]![i] || bands[1]![i])).length;
        expect([counts.boundary.intersections[id], counts.boundary.unions[id]]).toEqual([both, either]);
      }
    }),
    { numRuns: 300 },
  );
});

test("the band is as wide as asked, also at the frame", () => {
  fc.assert(
    fc.property(pairArbitrary, fc.integer({ min: 1, max: 5 }), ({ truth, width, height }, distance) => {
      const band = boundaryBand(truth, width, height, distance);
      for (const id of [0, 1, 2, 255]) {
        const mask = Array.from(truth, (label) => label === id);
        const expected = referenceBand(mask, width, height, distance);
        expect(mask.map((inside, i) => inside && band[i] === 1)).toEqual(expected);
      }
    }),
  );
});

test("2 % of the diagonal: 7 pixels at 256, never less than 1", () => {
  expect([boundaryDistance(256, 256), boundaryDistance(128, 128), boundaryDistance(8, 8)]).toEqual([7, 4, 1]);
});

test("the ellipse sits in the middle, has the right area, and carries the first tag", () => {
  const labels = ellipseLabels(256, 256, [2, 3]);
  const area = labels.filter((label) => label === 2).length;
  expect(area / (Math.PI * 105 * 85)).toBeCloseTo(1, 3);
  expect(labels.toReversed()).toEqual(labels);
  expect(ellipseLabels(64, 32, []).some((label) => label !== 0)).toBe(false);
});
