import { describe, expect, test } from "vitest";
import type { ImageEntry, Manifest } from "../../shared/data/manifest.js";
import { Rng } from "../../shared/rng.js";
import { balanceWarnings, doubtfulTags, findLookAlikes } from "./findings.js";
import { differingBits, fingerprintBits, fingerprintOf, isTelling, sameBitsMax } from "./fingerprint.js";

/** Grey values of a scene, [16, 17]. */
function scene(key: string): Uint8Array {
  const rng = new Rng("scene", key);
  return Uint8Array.from({ length: 16 * 17 }, () => 20 + rng.integer(200));
}

function image(path: string, tags: number[], side = 300): ImageEntry {
  return { path, digest: "0".repeat(64), bytes: 1, width: side, height: side, tags, maskDigest: null };
}

function set(train: ImageEntry[], val: ImageEntry[] | null = null): Manifest {
  const split = (images: ImageEntry[]) => ({ root: "/", images, shards: [] });
  return { version: 1, classes: ["horse", "zebra"], train: split(train), val: val && split(val) };
}

describe("a fingerprint", () => {
  test("is the same for a lighter, weaker picture, and far from any other", () => {
    const original = fingerprintOf(scene("a"));
    const lighter = fingerprintOf(scene("a").map((grey) => 30 + grey * 0.8));
    expect(differingBits(original, lighter)).toBeLessThan(sameBitsMax / 2);
    expect(differingBits(original, fingerprintOf(scene("b")))).toBeGreaterThan(sameBitsMax * 2);
  });

  test("counts every bit, and none twice", () => {
    const rising = fingerprintOf(Uint8Array.from({ length: 16 * 17 }, (_, at) => at % 17));
    const falling = fingerprintOf(Uint8Array.from({ length: 16 * 17 }, (_, at) => 17 - (at % 17)));
    expect(differingBits(rising, falling)).toBe(fingerprintBits);
    expect(differingBits(rising, rising)).toBe(0);
  });

  test("of one even colour tells nothing", () => {
    expect(isTelling(fingerprintOf(new Uint8Array(16 * 17).fill(90)))).toBe(false);
    expect(isTelling(fingerprintOf(scene("a")))).toBe(true);
  });
});

test("photos that look the same are named with what is wrong about it", () => {
  const manifest = set([image("a.jpg", [1]), image("b.jpg", [2]), image("c.jpg", [1])], [image("d.jpg", [1])]);
  const [a, other] = [fingerprintOf(scene("a")), fingerprintOf(scene("b"))];
  expect(findLookAlikes(manifest, [a, other, null, a])).toMatchObject([
    { photos: [{ path: "a.jpg" }, { split: "val", path: "d.jpg" }], isLeak: true, disagrees: false },
  ]);
  expect(findLookAlikes(manifest, [a, a, null, other])).toMatchObject([{ isLeak: false, disagrees: true }]);
  expect(findLookAlikes(manifest, [a, null, null, other])).toEqual([]);
});

test("imbalance, few photos, no negatives, small photos and classes without validation are said in numbers", () => {
  const many = Array.from({ length: 300 }, (_, i) => image(`h${i}.jpg`, [1]));
  const few = Array.from({ length: 19 }, (_, i) => image(`z${i}.jpg`, [2], 100));
  const warnings = balanceWarnings(set([...many, ...few], [image("v.jpg", [1])]), 256).join("\n");
  expect(warnings).toContain("zebra has 19 photos, horse 300");
  expect(warnings).toContain("zebra has only 19 photos");
  expect(warnings).toContain("no photo is without a tag");
  expect(warnings).toContain("19 photos have a side below 128");
  expect(warnings).toContain("no validation photo shows zebra");
  const balanced = [...many, ...few.map((one, i) => image(`y${i}${one.path}`, [2])), ...many.map(() => image("n", []))];
  const more = Array.from({ length: 30 }, (_, i) => image(`x${i}.jpg`, [2]));
  expect(balanceWarnings(set([...balanced, ...more]), 256)).toEqual([]);
});

test("doubtful tags are those of this set, by the run's own names of classes, the surest first", () => {
  const manifest = set([image("a.jpg", [1]), image("b.jpg", [2])]);
  const seen = [
    { path: "gone.jpg", scores: [0, 0] },
    { path: "a.jpg", scores: [0.9, 0.08] },
    { path: "b.jpg", scores: [0.01, 0.9] },
  ];
  // The run numbered its classes the other way round.
  expect(doubtfulTags(manifest, ["zebra", "horse"], seen)).toEqual([
    { path: "b.jpg", tags: ["zebra"], scores: { zebra: 0.01, horse: 0.9 } },
    { path: "a.jpg", tags: ["horse"], scores: { zebra: 0.9, horse: 0.08 } },
  ]);
});
