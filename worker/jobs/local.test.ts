import { afterEach, describe, expect, test, vi } from "vitest";
import { AdamW } from "../../shared/aggregate/adamw.js";
import { MemoryFloats } from "../../shared/aggregate/floats.js";
import { learningRateAt } from "../../shared/aggregate/learning-rate.js";
import { bytesOf, float32Of } from "../../shared/codec/digest.js";
import { methodConfigSchema } from "../../shared/config/method.js";
import { stageOptions } from "../../shared/config/stage-options.js";
import type { GradientJob } from "../compute/contract.js";
import { ReplicaRoom } from "../exchange/replica-room.js";
import { SumMemory } from "../exchange/sum-memory.js";
import type { JobContext } from "./context.js";
import { localJob } from "./local.js";
import { WeightsBase } from "./weights-base.js";

const stage = { model: "classifier", round: 0 } as const;
const method = methodConfigSchema.parse({ classifier: { steps: 6, microBatches: 4, microBatchSize: 2 } });
const specs = [{ name: "w", shape: [2], learningRateScale: 1, weightDecay: true }];
const start = Float32Array.of(1, -2);
const job = {
  step: 2,
  steps: 3,
  replica: 1,
  replicas: 2,
  specsDigest: "specs",
  labelsDigest: "",
  correctionsDigest: "",
};

/** Gradients pull every parameter to 0; the weight of a micro-batch is its two photos. */
function world({ gradientAt = (value: number) => value } = {}) {
  const asked: { step: number; leaves: number[]; at: number[] }[] = [];
  const closed = new AbortController();
  let loaded = new Float32Array();
  const calls = {
    load: (_: unknown, values: Float32Array) => {
      loaded = values.slice();
    },
    gradients: ({ step, microBatches }: GradientJob) => {
      asked.push({ step, leaves: microBatches.map(({ leaf }) => leaf), at: [...loaded] });
      // Leaves 2 and 3 are one node; as two, they have to be added.
      return microBatches.map(({ leaf }) => {
        const gradient = [...loaded].map((value) => 2 * gradientAt(value));
        return { node: { level: 0, index: leaf }, values: Float32Array.from([...gradient, 3, 2]) };
      });
    },
    stats: () => ({ tensors: 1, bytes: 1 }),
  };
  const pull = async (digest: string) => (digest === "specs" ? Buffer.from(JSON.stringify(specs)) : bytesOf(start));
  const context = {
    setup: { method, seed: 1, wire: "f32" },
    manifest: { train: { images: Array.from({ length: 8 }, () => ({ tags: [1] })) } },
    compute: {
      call: async (name: keyof typeof calls, ...args: [never, never]) => ({
        result: calls[name](...args),
        computeMs: 1,
      }),
    },
    images: { entry: () => ({ tags: [1] }), pixels: async () => new Uint8Array(1) },
    corrections: { round: async () => new Map() },
    pull,
    base: new WeightsBase("f32", pull),
    sums: new SumMemory(),
    loaded: new Map([["classifier", "before"]]),
    room: new ReplicaRoom(),
    closed: closed.signal,
  } as unknown as JobContext;
  return { asked, context, closed };
}

afterEach(() => {
  vi.useRealTimers();
});

describe("a replica", () => {
  test("takes AdamW's steps on its own micro-batches, and tells what it moved by", async () => {
    const { asked, context } = world();
    const { outputs, metrics, images } = await localJob(context, stage, "W", job);
    const values = start.slice();
    const zeros = () => new MemoryFloats(new Float32Array(2));
    const options = stageOptions(method, stage);
    const adamw = new AdamW(specs, options, { steps: 0, first: zeros(), second: zeros() });
    const seen: number[][] = [];
    for (const step of [2, 3, 4]) {
      seen.push([...values]);
      // Four photos, and their gradient is the parameter four times.
      await adamw.step(values, async () => values.slice(), learningRateAt(step, options));
    }
    expect(asked).toEqual([2, 3, 4].map((step, i) => ({ step, leaves: [2, 3], at: seen[i] })));
    expect(outputs.map(({ name }) => name)).toEqual(["0:1"]);
    const moved = [...float32Of(outputs[0]!.bytes)];
    expect(moved).toEqual([start[0]! - values[0]!, start[1]! - values[1]!, 18, 12].map(Math.fround));
    expect(metrics.losses).toEqual([1.5, 1.5, 1.5]);
    expect(images).toBe(12);
    // What is loaded now has no name: nobody may take it for the parameters of the request.
    expect(context.loaded.has("classifier")).toBe(false);
  });

  test("waits for its first photos while its parameters come, not after", async () => {
    vi.useFakeTimers();
    const { context } = world();
    const { pull, base } = context;
    const late = <T>(value: T) => new Promise<T>((resolve) => setTimeout(() => resolve(value), 50));
    const images = { ...context.images, pixels: () => late(new Uint8Array(1)) };
    const slow = {
      ...context,
      images,
      pull: (digest: string) => late(null).then(() => pull(digest)),
      base: { values: (...asked: Parameters<typeof base.values>) => late(null).then(() => base.values(...asked)) },
    };
    const done = localJob(slow as unknown as JobContext, stage, "W", { ...job, steps: 1 });
    await vi.runAllTimersAsync();
    expect((await done).metrics.inputMs).toBe(0);
  });

  test("writes to the memory of an earlier one, once nobody reads that any more", async () => {
    const { context } = world();
    const bytes = async () => {
      const { outputs, release } = await localJob(context, stage, "W", job);
      return { sent: outputs[0]!.bytes, release };
    };
    const [first, second] = [await bytes(), await bytes()];
    expect(second.sent.buffer).not.toBe(first.sent.buffer);
    const kept = second.sent.slice();
    first.sent.fill(255);
    first.release?.();
    const third = await bytes();
    expect(third.sent.buffer).toBe(first.sent.buffer);
    expect(third.sent).toEqual(kept);
    expect(second.sent).toEqual(kept);
  });

  test("that diverges says so, and sends no numbers", async () => {
    const { context } = world({ gradientAt: (value) => (value === 1 ? 0 : Number.NaN) });
    const { outputs, metrics } = await localJob(context, stage, "W", job);
    expect(outputs).toEqual([]);
    expect(metrics.notFinite).toBe("replica 1: the gradient of step 2 is not finite");
  });

  test("of a run that has let the worker go is given up", async () => {
    const { context, closed } = world();
    closed.abort();
    await expect(localJob(context, stage, "W", job)).rejects.toThrow("freed while a replica took its steps");
  });

  test.each([
    ["more steps than the stage has", { steps: 5 }],
    ["a replica too many", { replica: 2 }],
    ["no equal share of the micro-batches", { replicas: 3 }],
    ["no step", { steps: 0 }],
  ])("is not begun with %s", async (_, change) => {
    const { context } = world();
    await expect(localJob(context, stage, "W", { ...job, ...change })).rejects.toThrow("asked for steps 2 to");
  });
});
