import { expect, test } from "vitest";
import { layOut, markPart, progressFor } from "../compute/sum-progress.js";
import { FiniteLook } from "./finite-look.js";

/** Of 64 numbers in three parts and the last. */
function looked(spoil: (values: Float32Array) => void = () => undefined) {
  const values = new Float32Array(64);
  const progress = progressFor(4);
  layOut(progress, [16, 32, 48, 64]);
  spoil(values);
  return { values, progress, finite: new FiniteLook(values, progress) };
}

test.each([0, 15, 16, 31, 32, 47, 48, 63])(
  "number %i of a sum that is none is found, whenever its part was looked at",
  (at) => {
    for (const marks of [[], [2], [1], [0, 1, 2], [2, 0]]) {
      const { progress, finite } = looked((values) => {
        values[at] = Number.POSITIVE_INFINITY;
      });
      for (const part of marks) {
        markPart(progress, part);
        finite.look();
      }
      expect(finite.rest()).toBe(at);
    }
  },
);

test("the first of several is said, and none where all are numbers", () => {
  const { progress, finite } = looked((values) => {
    values[5] = Number.NaN;
    values[40] = Number.NaN;
  });
  markPart(progress, 2);
  finite.look();
  expect(finite.rest()).toBe(5);
  expect(looked().finite.rest()).toBe(-1);
});

test("a part is looked at once: it is marked when it is what it will be", () => {
  const { values, progress, finite } = looked();
  markPart(progress, 1);
  finite.look();
  values[20] = Number.NaN;
  finite.look();
  expect(finite.rest()).toBe(-1);
});

test("a sum of which nobody has said what parts it has is looked at whole", () => {
  const values = new Float32Array(64);
  values[33] = Number.NaN;
  const finite = new FiniteLook(values, progressFor(4));
  finite.look();
  expect(finite.rest()).toBe(33);
});
