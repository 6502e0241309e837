/**
 * Canonical shards: the unit of refine work, fixed by the paths and tags of the images and nothing else. Every shard gets
 * its share of every class, so that shards take about equally long and any one of them is a fair sample.
 */
import { Rng } from "../../shared/rng.js";
import { compareBytewise } from "./paths.js";

export interface ShardImage {
  readonly path: string;
  readonly tags: readonly number[];
}

/** @returns image indices per shard, ascending; sizes differ by at most one, as do the counts of each tag set. */
export function makeShards(images: readonly ShardImage[], shardImages: number): number[][] {
  const shardCount = Math.max(1, Math.round(images.length / shardImages));
  const shards: number[][] = Array.from({ length: shardCount }, () => []);
  for (const [position, index] of dealingOrder(images).entries()) shards[position % shardCount]!.push(index);
  return shards.filter((shard) => shard.length > 0).map((shard) => shard.sort((a, b) => a - b));
}

/** Images of the same tags follow one another, shuffled by the hash of their paths. */
function dealingOrder(images: readonly ShardImage[]): number[] {
  const keyed = images.map(({ path, tags }, index) => {
    return { index, path, group: tags.join(";"), hash: new Rng("shards", path).next() };
  });
  keyed.sort((a, b) => compareBytewise(a.group, b.group) || a.hash - b.hash || compareBytewise(a.path, b.path));
  return keyed.map(({ index }) => index);
}
