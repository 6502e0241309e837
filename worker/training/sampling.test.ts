import { describe, expect, test } from "vitest";
import { methodConfigSchema } from "../../shared/config/method.js";
import { imagesOfMicroBatch } from "./sampling.js";

const method = methodConfigSchema.parse({ segmenter: { microBatches: 4, microBatchSize: 2 } });
const stage = { model: "segmenter", round: 1 } as const;
/** 6 horses, 3 zebras, 5 negatives. */
const tags = [...new Array(6).fill([1]), ...new Array(3).fill([2]), ...new Array(5).fill([])] as number[][];

function slots(steps: number, changes: { seed?: number; tags?: number[][] } = {}): number[] {
  const key = { method, seed: 1, tags, stage, ...changes };
  return Array.from({ length: steps * 4 }, (_, i) => {
    return imagesOfMicroBatch({ ...key, step: Math.floor(i / 4), leaf: i % 4 });
  }).flat();
}

describe("sampling", () => {
  test("is a function of its key", () => {
    expect(slots(5)).toEqual(slots(5));
    expect(slots(5)).not.toEqual(slots(5, { seed: 2 }));
  });

  test("a quarter of the slots are negatives, evenly spread over micro-batches and steps", () => {
    const drawn = slots(10);
    for (let step = 0; step < 10; step++) {
      const negatives = drawn.slice(step * 8, step * 8 + 8).filter((image) => tags[image]!.length === 0);
      expect(negatives).toHaveLength(2);
    }
  });

  test("classes take turns, however many images each has", () => {
    const drawn = slots(10).map((image) => tags[image]![0] ?? 0);
    expect(drawn.filter((id) => id === 1)).toHaveLength(30);
    expect(drawn.filter((id) => id === 2)).toHaveLength(30);
  });

  test("every image comes once per epoch of its pool", () => {
    const horses = slots(2).filter((image) => tags[image]![0] === 1);
    expect(new Set(horses.slice(0, 6)).size).toBe(6);
  });

  test("without negatives all slots are positive; with nothing but negatives all are negative", () => {
    expect(slots(1, { tags: [[1], [2]] })).toHaveLength(8);
    expect(slots(1, { tags: [[], []] }).every((image) => image < 2)).toBe(true);
  });

  test("an image with two tags stands in both pools", () => {
    expect(new Set(slots(1, { tags: [[1, 2]] }))).toEqual(new Set([0]));
  });
});
