import { describe, expect, test } from "vitest";
import { readCsv } from "../data/csv.js";
import type { Species } from "./animal.js";
import { blur } from "./camera.js";
import { createCanvas, downsample, type Picture } from "./canvas.js";
import { drawHerd, herdShareMax, herdShareMin, speciesShareMin } from "./herd.js";
import { planHerds, tagsCsv } from "./plan.js";
import { labelOf } from "./scene.js";

const size = { width: 96, height: 72 };
const plan = planHerds({ train: 40, val: 0 });
const pictures = plan.map(({ species, index }) => drawHerd(species, size, 5, index));

function shareOf({ labels }: Picture, wanted: (label: number) => boolean): number {
  return labels.filter(wanted).length / labels.length;
}

describe("a herd", () => {
  test("depends on its key alone", () => {
    expect(drawHerd(["horse", "zebra"], size, 7, "a")).toEqual(drawHerd(["horse", "zebra"], size, 7, "a"));
    expect(drawHerd(["horse", "zebra"], size, 7, "a")).not.toEqual(drawHerd(["horse", "zebra"], size, 7, "b"));
  });

  test("shows every kind that it is tagged with, no other, and fills its share", () => {
    for (const [i, { species }] of plan.entries()) {
      const ids = [...new Set(species)].map((kind) => labelOf[kind]);
      expect([...new Set(pictures[i]!.labels)].filter((label) => label > 0).sort()).toEqual(ids.sort());
      if (species.length === 0) continue;
      for (const id of ids)
        expect(shareOf(pictures[i]!, (label) => label === id)).toBeGreaterThanOrEqual(speciesShareMin);
      const share = shareOf(pictures[i]!, (label) => label > 0);
      expect(share).toBeGreaterThanOrEqual(herdShareMin);
      expect(share).toBeLessThanOrEqual(herdShareMax);
    }
  });

  test("is as often a speck as a close-up", () => {
    const shares = pictures.map((picture) => shareOf(picture, (label) => label > 0)).filter((share) => share > 0);
    expect(shares.filter((share) => share < 0.06).length).toBeGreaterThan(shares.length / 8);
    expect(shares.filter((share) => share > 0.25).length).toBeGreaterThan(shares.length / 8);
  });

  test("is cut off by the frame and by what stands before it, in some scenes", () => {
    const cut = pictures.filter(({ labels, width }) => labels.some((label, i) => label > 0 && i % width === 0));
    expect(cut.length).toBeGreaterThan(0);
  });

  test("stands in a place that says nothing about it: far pixels are those of the empty scene", () => {
    const scenes = (["horse", "zebra"] as Species[]).map((kind) => drawHerd([kind], size, 11));
    const empty = drawHerd([], size, 11);
    for (const scene of scenes) {
      const same = scene.labels.filter((label, i) => {
        return label === 0 && [0, 1, 2].every((k) => Math.abs(scene.rgb[i * 3 + k]! - empty.rgb[i * 3 + k]!) <= 2);
      });
      expect(same.length).toBeGreaterThan(0.4 * scene.labels.length);
    }
  });
});

describe("the plan of herds", () => {
  test("holds zero to four animals, and both kinds equally often", () => {
    const cycle = planHerds({ train: 20, val: 0 });
    const count = (animals: number) => cycle.filter(({ species }) => species.length === animals).length;
    expect([0, 1, 2, 3, 4].map(count)).toEqual([4, 6, 4, 4, 2]);
    const tagged = (kind: Species) => cycle.filter(({ species }) => species.includes(kind)).length;
    expect([tagged("horse"), tagged("zebra")]).toEqual([11, 11]);
    expect(cycle.filter(({ species }) => new Set(species).size === 2)).toHaveLength(6);
  });

  test("writes tags that the index reads back", () => {
    const { images, problems, classes } = readCsv(tagsCsv(plan), "train");
    expect(problems).toEqual([]);
    expect(classes).toEqual(["horse", "zebra"]);
    expect(images.map(({ tags }) => tags)).toEqual(plan.map(({ species }) => [...new Set(species)].sort()));
  });
});

describe("a pixel", () => {
  test("where two kinds meet belongs to the one with more samples", () => {
    const canvas = createCanvas(2, 2);
    canvas.labels.set([2, 2, 0, 1]);
    expect([...downsample(canvas, 2).labels]).toEqual([2]);
    canvas.labels.set([0, 0, 0, 1]);
    expect([...downsample(canvas, 2).labels]).toEqual([0]);
  });

  test("out of focus is the mean of its neighbours; the frame repeats", () => {
    const canvas = createCanvas(4, 1);
    canvas.rgb.set([3, 0, 0, 6, 0, 0, 9, 0, 0, 0, 0, 0]);
    blur(canvas, 3, 1);
    expect([0, 3, 6, 9].map((at) => canvas.rgb[at])).toEqual([4, 6, 5, 3]);
  });
});
