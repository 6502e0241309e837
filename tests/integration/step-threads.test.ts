/** Updates that several threads make together. */
import { afterEach, expect, test } from "vitest";
import type { MemoryFloats } from "../../shared/aggregate/floats.js";
import type { Replica } from "../../shared/aggregate/replica.js";
import { bytesOf, sha256 } from "../../shared/codec/digest.js";
import type { VectorMemory } from "../../shared/math/vectors.js";
import { Rng } from "../../shared/rng.js";
import type { StepThreads } from "../../worker/optimizer/helpers.js";

interface Built {
  readonly StepThreads: typeof StepThreads;
  readonly Replica: typeof Replica;
  readonly MemoryFloats: typeof MemoryFloats;
  readonly VectorMemory: typeof VectorMemory;
}

/** Threads are started from files, and what they work on is known by the memory of the same build. */
async function built(): Promise<Built> {
  const files = [
    "../../dist/worker/optimizer/helpers.js",
    "../../dist/shared/aggregate/replica.js",
    "../../dist/shared/aggregate/floats.js",
    "../../dist/shared/math/vectors.js",
  ];
  const modules = await Promise.all(files.map((file) => import(file)));
  return Object.assign({}, ...modules) as Built;
}

/** Enough for three threads, and no multiple of anything. */
const count = 3 * 512 * 1024 + 37;
const specs = [
  { name: "a/kernel", shape: [count - 1_000_003], learningRateScale: 1, weightDecay: true },
  { name: "b/kernel", shape: [1_000_000], learningRateScale: 0.1, weightDecay: false },
  { name: "b/bias", shape: [3], learningRateScale: 1, weightDecay: false },
];
const schedule = { learningRate: 1e-2, warmupSteps: 0, schedulePower: 1, steps: 10 };
const options = { ...schedule, weightDecay: 1e-3, emaDecay: 0, leafCount: 1 };

const open: StepThreads[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((threads) => threads.close()));
});

const random = (length: number, key: number) => {
  const rng = new Rng("step threads", key);
  return Float32Array.from({ length }, () => rng.uniform(-1, 1));
};

interface World {
  readonly replica: Replica;
  readonly threads: StepThreads;
  readonly moved: Float32Array[];
  readonly update: (sum: Float32Array, step: number) => Promise<number>;
}

/** A replica in one memory, or in none, and what is heard of its blocks. */
async function world(threadCount: number, isShared = true): Promise<World> {
  const { StepThreads: Threads, Replica: Copy, MemoryFloats: Floats, VectorMemory: Memory } = await built();
  const memory = new Memory(4 * count + 2);
  const place = (numbers: Float32Array) => {
    if (!isShared) return numbers;
    const array = memory.floats(numbers.length);
    array.set(numbers);
    return array;
  };
  const zeros = () => new Floats(place(new Float32Array(count)));
  const values = place(random(count, 0));
  const threads = new Threads(threadCount);
  open.push(threads);
  const optimizer = { steps: 0, first: zeros(), second: zeros() };
  const replica = new Copy(specs, { values, optimizer, average: null }, options, { helpers: threads });
  const moved: Float32Array[] = [];
  const room = place(new Float32Array(count + 2));
  const update = (sum: Float32Array, step: number) => {
    room.set(sum);
    moved.length = 0;
    return replica.update(new Floats(room), step, (block) => moved.push(block.slice()));
  };
  return { replica, threads, moved, update };
}

const sums = [1, 2, 3].map((key) => random(count + 2, key).fill(4, count + 1));

async function trained({ replica, moved, update }: World): Promise<object> {
  const losses: number[] = [];
  for (const [step, sum] of sums.entries()) losses.push(await update(sum, step));
  const { values, optimizer } = replica.state;
  const { first, second } = optimizer;
  const digests = [values, first.values!, second.values!].map((numbers) => sha256(bytesOf(numbers)));
  expect(sha256(Buffer.concat(moved.map(bytesOf)))).toBe(digests[0]);
  return { losses, digests };
}

test.each([2, 3, 4])("%i threads move a model to the bits of one", async (threadCount) => {
  expect(await trained(await world(threadCount))).toEqual(await trained(await world(1)));
});

test("what lies where other threads do not have it is moved by one", async () => {
  expect(await trained(await world(2, false))).toEqual(await trained(await world(1)));
});

test.each([0, count - 1])("a gradient that is not finite at %i is noticed, whoever has that part", async (at) => {
  const { update } = await world(2);
  const bad = sums[0]!.slice();
  bad[at] = Number.NaN;
  await expect(update(bad, 0)).rejects.toMatchObject({ code: "TRAINING_DIVERGED" });
});

test("a thread that ends in the middle of an update is told of; the next update starts another", async () => {
  const { update, threads } = await world(2);
  await update(sums[0]!, 0);
  const [thread] = (threads as unknown as { threads: { worker: { terminate(): Promise<number> } }[] }).threads;
  const updating = update(sums[1]!, 1);
  await Promise.all([
    expect(updating).rejects.toMatchObject({ code: "INTERNAL", message: expect.stringContaining("has ended") }),
    thread!.worker.terminate(),
  ]);
  expect(await update(sums[1]!, 1)).toBeLessThan(Number.POSITIVE_INFINITY);
});
