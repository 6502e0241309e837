import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compareBytewise } from "./paths.js";
import { makeShards, type ShardImage } from "./shards.js";

const tagSets = fc.constantFrom<number[]>([], [1], [2], [1, 2]);
const image = fc.record({ path: fc.string({ minLength: 1, maxLength: 8 }), tags: tagSets });
const imageSet = fc.uniqueArray(image, { selector: ({ path }) => path, maxLength: 200 });
const sorted = (images: readonly ShardImage[]) => [...images].sort((a, b) => compareBytewise(a.path, b.path));

describe("canonical shards", () => {
  test("are a partition, ascending, with sizes that differ by at most one", () => {
    fc.assert(
      fc.property(imageSet, fc.integer({ min: 1, max: 50 }), (images, shardImages) => {
        const shards = makeShards(images, shardImages);
        expect(shards.flat().sort((a, b) => a - b)).toEqual(images.map((_, index) => index));
        for (const shard of shards) expect(shard).toEqual([...shard].sort((a, b) => a - b));
        const sizes = shards.map(({ length }) => length);
        if (sizes.length > 0) expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
      }),
    );
  });

  test("give every shard its share of every tag set", () => {
    fc.assert(
      fc.property(imageSet, fc.integer({ min: 1, max: 50 }), (images, shardImages) => {
        const shards = makeShards(images, shardImages);
        for (const key of ["", "1", "2", "1;2"]) {
          const counts = shards.map((shard) => shard.filter((i) => images[i]!.tags.join(";") === key).length);
          if (counts.length > 0) expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
        }
      }),
    );
  });

  test("hold the same paths in whatever order the images come", () => {
    fc.assert(
      fc.property(imageSet, fc.integer({ min: 0, max: 1000 }), (images, rotation) => {
        const turned = images.map((_, i) => images[(i + rotation) % images.length]!);
        const paths = (list: readonly ShardImage[]) =>
          makeShards(list, 7).map((shard) => sorted(shard.map((i) => list[i]!)).map(({ path }) => path));
        expect(paths(turned)).toEqual(paths(images));
      }),
    );
  });

  test("are not runs of neighbours: the members of a burst land in different shards", () => {
    const burst = Array.from({ length: 64 }, (_, i) => ({
      path: `horse/burst-${String(i).padStart(3, "0")}.jpg`,
      tags: [1],
    }));
    const first = makeShards(burst, 16)[0]!;
    expect(first.at(-1)! - first[0]!).toBeGreaterThan(32);
  });

  test("of these eight images stay as they are: a changed partition breaks every run that is resumed", () => {
    const images = ["a", "b", "c", "d", "e", "f", "g", "h"].map((path, i) => ({ path, tags: i % 2 ? [1] : [] }));
    expect(makeShards(images, 3)).toMatchInlineSnapshot(`
      [
        [
          0,
          3,
          6,
        ],
        [
          1,
          4,
          7,
        ],
        [
          2,
          5,
        ],
      ]
    `);
  });
});
