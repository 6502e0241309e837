import { describe, expect, test } from "vitest";
import {
  addFloats,
  type Floats,
  MemoryFloats,
  notFiniteAt,
  pageFloats,
  pagesOf,
} from "../../shared/aggregate/floats.js";
import { bytesOf, sha256 } from "../../shared/codec/digest.js";
import { roundingOf, sumAsSent } from "../../shared/math/rounding.js";
import { sumTailFloats } from "../../shared/math/wire.js";
import { FloatRoom } from "./float-room.js";
import { PackedFloats } from "./packed-floats.js";

const key = { seed: 3, stage: { model: "segmenter", round: 1 }, step: 2 };
const parent = { level: 1, index: 0 };

/** All of them, page by page. */
async function numbersOf(floats: Floats): Promise<Float32Array> {
  const all = new Float32Array(floats.length);
  for (const [at, end] of pagesOf(floats.length)) all.set(await floats.page(at, end), at);
  return all;
}

const digestOf = async (floats: Floats) => sha256(bytesOf(await numbersOf(floats)));

describe.each(["bf16", "int8"] as const)("a sum as %s", (wire) => {
  const length = 2 * pageFloats + 37 + sumTailFloats;
  const round = roundingOf({ ...key, wire });

  /** A leaf's rounded sum: packed, where the coordinator has room or elsewhere, and as numbers. */
  function leaf(index: number, isInRoom: boolean) {
    const node = { level: 0, index };
    const values = Float32Array.from({ length }, (_, i) => Math.sin(i + 9 * index) * 10 ** ((i % 7) - 3));
    const bytes = sumAsSent({ ...key, wire }, { values, due: node });
    round(node, values);
    const room = new FloatRoom(length - sumTailFloats, wire);
    const floats = Math.ceil(bytes.length / 4);
    const placed = isInRoom ? room.take(floats)!.values : new Float32Array(floats);
    const into = bytesOf(placed).subarray(0, bytes.length);
    into.set(bytes);
    const page = isInRoom ? room.take(pageFloats)!.values : new Float32Array(pageFloats);
    const encoded = { wire, body: length - sumTailFloats, length, bytes: into };
    return { packed: new PackedFloats(encoded, page, () => undefined), values };
  }

  test.each([true, false])(
    "has the numbers that were rounded, and so has a sum of two; in the coordinator's room: %s",
    async (isInRoom) => {
      const [a, b] = [leaf(0, isInRoom), leaf(1, isInRoom)];
      expect(await digestOf(a.packed)).toBe(sha256(bytesOf(a.values)));
      expect(await notFiniteAt(a.packed)).toBe(-1);
      const join = (left: Floats, right: Floats) => addFloats(left, right, (...page) => round(parent, ...page));
      const plain = await join(new MemoryFloats(a.values), new MemoryFloats(b.values));
      expect(await digestOf(await join(a.packed, b.packed))).toBe(await digestOf(plain));
    },
  );

  test("tells where it is not finite", async () => {
    const { packed } = leaf(0, true);
    const page = await packed.page(pageFloats, 2 * pageFloats);
    page.fill(Number.NaN, 64, 96);
    await packed.put(pageFloats, page);
    expect(await notFiniteAt(packed)).toBe(pageFloats + 64);
  });
});
