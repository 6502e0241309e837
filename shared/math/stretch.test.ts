import fc from "fast-check";
import { expect, test } from "vitest";
import { stretchLabels } from "./stretch.js";

test("to its own size a map is copied", () => {
  const labels = Uint8Array.of(1, 2, 3, 4, 5, 6);
  expect(stretchLabels(labels, 3, 2, 3, 2)).toEqual(labels);
  expect(stretchLabels(labels, 3, 2, 3, 2)).not.toBe(labels);
});

test("twice as large, every pixel becomes a square", () => {
  expect([...stretchLabels(Uint8Array.of(1, 2, 3, 4), 2, 2, 4, 4)]).toEqual([
    ...[1, 1, 2, 2],
    ...[1, 1, 2, 2],
    ...[3, 3, 4, 4],
    ...[3, 3, 4, 4],
  ]);
});

test("a third as large, the middle of every square stays", () => {
  expect([...stretchLabels(Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9), 3, 3, 1, 1)]).toEqual([5]);
});

test("no label appears that was not there, and up and down again gives the same map", () => {
  const side = fc.integer({ min: 1, max: 20 });
  fc.assert(
    fc.property(side, side, fc.integer({ min: 1, max: 4 }), fc.infiniteStream(fc.nat(255)), (w, h, factor, stream) => {
      const labels = Uint8Array.from({ length: w * h }, () => stream.next().value);
      const up = stretchLabels(labels, w, h, w * factor, h * factor);
      expect(stretchLabels(up, w * factor, h * factor, w, h)).toEqual(labels);
      expect(new Set(up)).toEqual(new Set(labels));
    }),
  );
});
