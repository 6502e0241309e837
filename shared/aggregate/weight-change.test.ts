import { describe, expect, test } from "vitest";
import { bytesOf, sha256 } from "../codec/digest.js";
import { VectorMemory } from "../math/vectors.js";
import { MemoryFloats, pageFloats } from "./floats.js";
import { Replica, type StageOptions } from "./replica.js";
import { applyChange, changeBytes } from "./weight-change.js";

const lossy = ["bf16", "int8"] as const;
const count = pageFloats + 70;
/** The first ten learn nothing. */
const specs = [
  { name: "frozen", shape: [10], learningRateScale: 0, weightDecay: true },
  { name: "all", shape: [count - 10], learningRateScale: 1, weightDecay: true },
];
const stage = { model: "segmenter", round: 1 };
const options: StageOptions = {
  ...{ steps: 1_000, learningRate: 1e-3, warmupSteps: 0, schedulePower: 0 },
  ...{ weightDecay: 1e-2, emaDecay: 0, leafCount: 1 },
};

function replica(wire: "f32" | "bf16" | "int8", offersChange = true): Replica {
  const zeros = () => new MemoryFloats(new Float32Array(count));
  const values = Float32Array.from({ length: count }, (_, i) => Math.cos(i));
  const state = { values, optimizer: { steps: 0, first: zeros(), second: zeros() }, average: null };
  return new Replica(specs, state, options, { rounding: { wire, seed: 5, stage }, offersChange });
}

const digestOf = (values: Float32Array) => sha256(bytesOf(values));

const total = (step: number) => {
  const sum = Float32Array.from({ length: count + 2 }, (_, i) => Math.sin(i * (step + 1)));
  sum[count + 1] = 3;
  return new MemoryFloats(sum);
};

describe.each(lossy)("with %s", (wire) => {
  test("whoever has the parameters of a step arrives at those of the next by its change, to the bit", async () => {
    const one = replica(wire);
    const held = one.values.slice();
    const copies = [held, new VectorMemory(count).floats(count)];
    copies[1]!.set(held);
    for (let step = 0; step < 4; step++) {
      const [changes, blocks]: [Buffer[], Buffer[]] = [[], []];
      await one.update(total(step), step, (block, change) => {
        blocks.push(Buffer.from(bytesOf(block).slice()));
        changes.push(Buffer.from(change!));
      });
      expect(one.change!.length).toBe(changeBytes(wire, count));
      // Whoever names them while they are made has all of them.
      expect(sha256(Buffer.concat(changes))).toBe(sha256(one.change!));
      expect(sha256(Buffer.concat(blocks))).toBe(digestOf(one.values));
      for (const copy of copies) {
        const moved: Buffer[] = [];
        applyChange(copy, wire, one.change!, (block) => void moved.push(Buffer.from(bytesOf(block).slice())));
        expect(digestOf(copy)).toBe(digestOf(one.values));
        expect(sha256(Buffer.concat(moved))).toBe(digestOf(one.values));
      }
    }
  });

  test("a copy that offers no change moves alike, and none moves as without rounding", async () => {
    const [one, other, exact] = [replica(wire), replica(wire, false), replica("f32")];
    for (const each of [one, other, exact]) await each.update(total(0), 0);
    expect(other.change).toBeNull();
    expect(digestOf(other.values)).toBe(digestOf(one.values));
    expect(digestOf(exact.values)).not.toBe(digestOf(one.values));
  });

  test("what learns nothing stays to the bit, and all else goes where it would on average", async () => {
    const [one, exact] = [replica(wire), replica("f32")];
    const start = one.values.slice();
    for (const each of [one, exact]) for (let step = 0; step < 10; step++) await each.update(total(step), step);
    expect(one.values.subarray(0, 10)).toEqual(start.subarray(0, 10));
    let [error, moved] = [0, 0];
    for (let i = 10; i < count; i++) {
      error += one.values[i]! - exact.values[i]!;
      moved += Math.abs(exact.values[i]! - start[i]!);
    }
    expect(Math.abs(error) / moved).toBeLessThan(1e-3);
  });
});

test("as f32 there is no change to send", async () => {
  const one = replica("f32");
  await one.update(total(0), 0);
  expect(one.change).toBeNull();
});

test("changes are a half and a quarter of the parameters", () => {
  expect(lossy.map((wire) => changeBytes(wire, 3200))).toEqual([6400, 3300]);
});
