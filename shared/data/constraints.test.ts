import { describe, expect, test } from "vitest";
import { respecting, trainable } from "./constraints.js";

const labels = Uint8Array.of(0, 1, 2, 255);
/** Pixel 0 is fixed as class 2. */
const fixed = Uint8Array.of(1, 2, 0, 0, 0, 0, 0, 0);

describe("labels under a person's corrections", () => {
  test("have the fixed pixels as they were fixed, and nothing else is touched", () => {
    expect([...respecting(labels, { tags: null, isRejected: false, fixed })]).toEqual([2, 1, 2, 255]);
    expect([...labels]).toEqual([0, 1, 2, 255]);
  });

  test("lose classes that the photo has not: unknown beside other tags, background without any", () => {
    expect([...respecting(labels, { tags: [1], isRejected: false, fixed: null })]).toEqual([0, 1, 255, 255]);
    expect([...respecting(labels, { tags: [], isRejected: false, fixed: null })]).toEqual([0, 0, 0, 255]);
  });

  test("teach only their fixed pixels where the mask is rejected; the next mask is not bound by that", () => {
    const constraint = { tags: null, isRejected: true, fixed };
    expect([...trainable(labels, constraint)]).toEqual([2, 255, 255, 255]);
    expect([...respecting(labels, constraint)]).toEqual([2, 1, 2, 255]);
  });
});
