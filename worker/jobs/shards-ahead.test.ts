import { describe, expect, test } from "vitest";
import type { WorkRequest__Output } from "../../shared/gen/seedgrow/v1/WorkRequest.js";
import type { JobContext } from "./context.js";
import { fetchAhead, ShardsAhead } from "./shards-ahead.js";

describe("the next shard", () => {
  test("is as far away as the last one was", () => {
    const ahead = new ShardsAhead();
    expect([1, 4, 8, 9].map((shard) => ahead.next("seed", shard))).toEqual([null, 7, 12, 10]);
  });

  test("is unknown in a new pass, and after a step back: a lost worker's shards are handed out again", () => {
    const ahead = new ShardsAhead();
    expect(ahead.next("seed", 5)).toBeNull();
    expect(ahead.next("refine", 6)).toBeNull();
    expect([2, 4].map((shard) => ahead.next("refine", shard))).toEqual([null, 6]);
  });
});

describe("photos", () => {
  function context() {
    const asked: string[] = [];
    const images = {
      split: () => ({ shards: [[0, 1], [2], [3, 4]] }),
      loadAhead: (split: string, images: readonly number[]) => {
        asked.push(...images.map((image) => `${split} ${image}`));
      },
    };
    return { asked, context: { ahead: new ShardsAhead(), images } as unknown as JobContext };
  }
  const request = (job: object) => ({ stage: { round: 1 }, ...job }) as WorkRequest__Output;

  test("of the shard after next are asked for, those of none beyond the last", () => {
    const { asked, context: jobs } = context();
    for (const shard of [0, 1, 2]) fetchAhead(jobs, request({ refine: { shard } }));
    expect(asked).toEqual(["train 3", "train 4"]);
  });

  test("of validation come for an evaluation; for gradients none", () => {
    const { asked, context: jobs } = context();
    for (const shard of [0, 1]) fetchAhead(jobs, request({ evaluate: { shard } }));
    fetchAhead(jobs, request({ gradient: {} }));
    expect(asked).toEqual(["val 3", "val 4"]);
  });
});
