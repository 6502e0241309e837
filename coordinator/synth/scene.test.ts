import { describe, expect, test } from "vitest";
import { planImages } from "./plan.js";
import { drawScene, labelOf, type SceneKind, shareMax, shareMin } from "./scene.js";

const size = { width: 96, height: 72 };
const seeds = [1, 2, 3, 4, 5, 6, 7, 8];

function idsOf(labels: Uint8Array): number[] {
  return [...new Set(labels)].sort();
}

describe("a scene", () => {
  test("depends on its key alone", () => {
    expect(drawScene("zebra", size, 7, "a")).toEqual(drawScene("zebra", size, 7, "a"));
    expect(drawScene("zebra", size, 7, "a")).not.toEqual(drawScene("zebra", size, 7, "b"));
  });

  test.for<SceneKind>(["horse", "zebra"])("of a %s holds that label and background, within the share", (kind) => {
    for (const seed of seeds) {
      const { labels } = drawScene(kind, size, seed);
      expect(idsOf(labels)).toEqual([0, labelOf[kind]]);
      const share = labels.filter((label) => label > 0).length / labels.length;
      expect(share).toBeGreaterThanOrEqual(shareMin);
      expect(share).toBeLessThanOrEqual(shareMax);
    }
  });

  test("can have the smallest size and the longest shape", () => {
    for (const [width, height] of [
      [48, 48],
      [96, 48],
      [48, 96],
    ] as const) {
      for (const seed of seeds) expect(drawScene("horse", { width, height }, seed).labels).toHaveLength(width * height);
    }
  });

  test("without an animal is all background", () => {
    for (const seed of seeds) expect(idsOf(drawScene("none", size, seed).labels)).toEqual([0]);
  });

  test("has a mask that follows the stripes' edge: inside contrasts, outside does not", () => {
    let inside = 0;
    let outside = 0;
    for (const seed of seeds) {
      const { rgb, labels, width } = drawScene("zebra", { width: 160, height: 120 }, seed);
      inside += contrast(rgb, labels, width, true);
      outside += contrast(rgb, labels, width, false);
    }
    expect(inside).toBeGreaterThan(outside * 1.5);
  });
});

/** Mean absolute step between horizontal neighbours that are both inside (or both outside) the mask. */
function contrast(rgb: Uint8Array, labels: Uint8Array, width: number, inside: boolean): number {
  let sum = 0;
  let count = 0;
  for (let i = 1; i < labels.length; i++) {
    if (i % width === 0 || labels[i]! > 0 !== inside || labels[i - 1]! > 0 !== inside) continue;
    sum += Math.abs(rgb[i * 3 + 1]! - rgb[i * 3 - 2]!);
    count++;
  }
  return sum / count;
}

describe("the plan of a data set", () => {
  test("balances the classes at any length and names every file once", () => {
    const plan = planImages({ train: 160, val: 40 });
    const count = (split: string, kind: string) =>
      plan.filter((image) => image.split === split && image.kind === kind).length;
    expect([count("train", "horse"), count("train", "zebra"), count("train", "none")]).toEqual([60, 60, 40]);
    expect([count("val", "horse"), count("val", "zebra"), count("val", "none")]).toEqual([15, 15, 10]);
    expect(new Set(plan.map(({ path }) => path)).size).toBe(200);
  });

  test("a longer plan begins with the shorter one: more images keep the old ones", () => {
    const short = planImages({ train: 5, val: 0 });
    expect(planImages({ train: 9, val: 0 }).slice(0, 5)).toEqual(short);
  });
});
