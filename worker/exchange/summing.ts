/** A step's sum while it lies in slices, encoded: added up, and read, a block that stays in the cache at a time. */
import type { Floats } from "../../shared/aggregate/floats.js";
import { assert } from "../../shared/assert.js";
import { float32Of } from "../../shared/codec/digest.js";
import { type TreeNode, TreeSums } from "../../shared/math/tree-sum.js";
import { addTo } from "../../shared/math/vectors.js";
import { blockFloats, decodeRange, type Encoded, encodeRange, rangeOf } from "../../shared/math/wire.js";

/** The same slice of one of the sums that a step's sum is made of. */
export interface Summand {
  readonly node: TreeNode;
  readonly encoded: Encoded;
}

/** Makes numbers of a node's sum, from `at` on in the slice, what can travel. */
export type RoundBlock = (node: TreeNode, values: Float32Array, at: number) => void;

/** Numbers added at a time: the sums under way fit the second-level cache of a core, and what else a block costs is nothing beside them. */
export const summedFloats = 512 * blockFloats;

interface Join {
  readonly left: number;
  readonly right: number;
  readonly parent: TreeNode;
}

/**
 * The sum of `summands` along the tree over `leafCount` leaves, into `target`. `rooms`: `summedFloats` numbers for each summand.
 * False: they are not all of the tree.
 */
export function sumInto(
  target: Encoded,
  summands: readonly Summand[],
  leafCount: number,
  round: RoundBlock,
  rooms: readonly Float32Array[],
): boolean {
  const joins: Join[] = [];
  const tree = new TreeSums<number>(leafCount, (left, right, parent) => {
    joins.push({ left, right, parent });
    return left;
  });
  for (const [i, { node }] of summands.entries()) tree.add(node, i);
  const root = tree.total();
  if (root === null) return false;
  for (let at = 0; at < target.length; at += summedFloats) {
    const end = Math.min(at + summedFloats, target.length);
    const blocks = summands.map(({ encoded }, i) => blockOf(encoded, at, end, rooms[i]!));
    for (const { left, right, parent } of joins) {
      const sum = rooms[left]!.subarray(0, end - at);
      addTo(sum, blocks[left]!, blocks[right]!);
      round(parent, sum, at);
      blocks[left] = sum;
    }
    encodeRange(target, at, blocks[root]!);
  }
  return true;
}

/** Numbers [at, end) of it, to be read: where they lie, or in `room`. */
function blockOf(encoded: Encoded, at: number, end: number, room: Float32Array): Float32Array {
  if (encoded.wire === "f32") return float32Of(rangeOf(encoded, at, end).bytes);
  const block = room.subarray(0, end - at);
  decodeRange(encoded, at, end, block);
  return block;
}

/** Slices, one after the other, as numbers to read. */
export class SlicedFloats implements Floats {
  readonly length: number;
  readonly values: Float32Array | null;

  constructor(
    private readonly slices: readonly Encoded[],
    /** As long as a page: where one is put together. */
    private readonly room: Float32Array,
  ) {
    this.length = slices.reduce((sum, { length }) => sum + length, 0);
    const [whole] = slices;
    this.values = slices.length === 1 && whole?.wire === "f32" ? float32Of(whole.bytes) : null;
  }

  async page(at: number, end: number): Promise<Float32Array> {
    // Between two pages the thread answers whoever pulls from it.
    await new Promise((resolve) => setImmediate(resolve));
    const page = this.room.subarray(0, end - at);
    let first = 0;
    for (const slice of this.slices) {
      const [from, to] = [Math.max(at, first), Math.min(end, first + slice.length)];
      if (from === at && to === end && slice.wire === "f32")
        return float32Of(rangeOf(slice, at - first, end - first).bytes);
      if (from < to) decodeRange(slice, from - first, to - first, page.subarray(from - at, to - at));
      first += slice.length;
    }
    return page;
  }

  async put(): Promise<void> {
    assert(false, "a sum is read, no more");
  }

  async close(): Promise<void> {}
}
