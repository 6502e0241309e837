import { afterEach, expect, test, vi } from "vitest";
import { bytesOf } from "../../shared/codec/digest.js";
import { methodConfigSchema } from "../../shared/config/method.js";
import type { GradientJob__Output } from "../../shared/gen/seedgrow/v1/GradientJob.js";
import type { WorkRequest__Output } from "../../shared/gen/seedgrow/v1/WorkRequest.js";
import type { GradientJob } from "../compute/contract.js";
import { SumMemory } from "../exchange/sum-memory.js";
import { WorkerRuntime } from "../runtime.js";
import { imagesOfMicroBatch } from "../training/sampling.js";
import { type JobContext, useWeights } from "./context.js";
import { gradientJob, prefetch } from "./train.js";

const stage = { model: "classifier", round: 0 } as const;
const method = methodConfigSchema.parse({ classifier: { steps: 6, microBatches: 4, microBatchSize: 2 } });
const job = { step: 2, leafFirst: 1, leafEnd: 3, leafCount: 4, labelsDigest: "", correctionsDigest: "", ahead: null };

afterEach(() => {
  vi.useRealTimers();
});

/** A worker whose photos and weights come after so long, milliseconds. */
function worker({ photosMs, weightsMs }: { photosMs: number; weightsMs: number }): JobContext {
  const after = <T>(ms: number, value: T) => new Promise<T>((resolve) => setTimeout(() => resolve(value), ms));
  const results = {
    gradients: [{ node: { level: 0, index: 0 }, values: Float32Array.of(1, 3, 4) }],
    stats: { tensors: 1, bytes: 1 },
  };
  return {
    setup: { method, seed: 1, wire: "f32" },
    manifest: { train: { images: Array.from({ length: 8 }, () => ({ tags: [1] })) } },
    compute: {
      call: async (name: string) => ({ result: (results as Record<string, unknown>)[name], computeMs: 1 }),
    },
    images: { entry: () => ({ tags: [1] }), pixels: () => after(photosMs, new Uint8Array(1)) },
    corrections: { round: async () => new Map() },
    base: { values: () => after(weightsMs, new Float32Array(1)) },
    loaded: new Map(),
    sums: new SumMemory(),
  } as unknown as JobContext;
}

test.each([
  ["photos that come after the weights", { photosMs: 70, weightsMs: 20 }, 50],
  ["photos that are there before the weights", { photosMs: 20, weightsMs: 70 }, 0],
])("%s: how long the compute thread waited for them alone is told", async (_, delays, waitedMs) => {
  vi.useFakeTimers();
  const done = gradientJob(worker(delays), stage, "W", job, {
    key: "k",
    exchange: null,
    change: null,
    checksums: false,
  });
  await vi.runAllTimersAsync();
  const { metrics, images, outputs } = await done;
  expect(metrics.inputMs).toBe(waitedMs);
  expect(images).toBe(4);
  expect(outputs.map(({ bytes }) => Buffer.from(bytes))).toEqual([Buffer.from(bytesOf(Float32Array.of(1, 3, 4)))]);
});

test.each([
  ["f32", 2],
  ["bf16", 1],
] as const)(
  "a %s sum lies where it was told to, and memory is used again when nobody can ask for it any more",
  async (wire, rooms) => {
    const places = new Set<ArrayBufferLike>();
    const gradients = ({ rooms, step }: GradientJob) => {
      places.add(rooms![0]!.buffer);
      rooms![0]!.fill(step);
      return [{ node: { level: 0, index: 1 }, values: rooms![0]!, due: null, room: 0 }];
    };
    const compute = {
      losses: { count: 0, reason: "" },
      call: async (name: string, asked: GradientJob) => {
        return { result: name === "gradients" ? gradients(asked) : { tensors: 1, bytes: 1 }, computeMs: 1 };
      },
    };
    const exchange = { clear: () => undefined, close: () => undefined };
    const setup = { method, seed: 1, wire };
    const context = {
      ...worker({ photosMs: 0, weightsMs: 0 }),
      setup,
      compute,
      exchange,
      prepare: async () => undefined,
    };
    const openRun = async () => ({ context: context as unknown as JobContext, close: () => undefined });
    const runtime = new WorkerRuntime({ nowMs: () => 0, openRun, log: () => undefined });
    const lease = { runId: "r", token: 1, generation: 0 };
    await runtime.attach({ lease, coordinatorAddress: "c:1", setupDigest: "s" });
    const kept: Uint8Array[] = [];
    const take = async (step: number, lease: WorkRequest__Output["lease"]) => {
      const request = { lease, key: `${step}`, stage, weightsDigest: "W", gradient: { ...job, leafEnd: 2, step } };
      const { outputs } = await runtime.work(request as unknown as WorkRequest__Output);
      kept.push((await runtime.get(outputs![0]!.digest!))!);
    };
    for (let step = 0; step < 5; step++) await take(step, lease);
    // The step before may still be pulled.
    expect(kept[1]!.buffer).not.toBe(kept[0]!.buffer);
    expect(kept.map(({ buffer }) => kept.findIndex((other) => other.buffer === buffer))).toEqual([0, 1, 0, 1, 0]);
    // What was rounded lies in memory of its own, until outputs are too old.
    expect(places.size).toBe(rooms);
    // Nobody asks for anything of a run that is over.
    runtime.detach(lease);
    const next = { ...lease, token: 2 };
    await runtime.attach({ lease: next, coordinatorAddress: "c:1", setupDigest: "s" });
    await take(0, next);
    expect(kept.findIndex(({ buffer }) => buffer === kept[5]!.buffer)).toBeLessThan(5);
  },
);

test("while a step is computed, the photos of its micro-batches in the next two are loaded, in order", async () => {
  const context = worker({ photosMs: 0, weightsMs: 0 });
  const loaded: number[] = [];
  const images = { loadAhead: (_: string, wanted: readonly number[]) => loaded.push(...wanted) };
  await prefetch({ ...context, images } as unknown as JobContext, stage, job as GradientJob__Output);
  const tags = Array.from({ length: 8 }, () => [1]);
  const wanted = [3, 4].flatMap((step) =>
    [1, 2].flatMap((leaf) => imagesOfMicroBatch({ method, seed: 1, tags, stage, step, leaf })),
  );
  expect(loaded).toEqual(wanted);
});

test("parameters that are held here are loaded for one job: another job may find that they have changed", async () => {
  const loads: number[][] = [];
  const loaded = new Map();
  const compute = { call: async (_: string, __: unknown, values: Float32Array) => loads.push([...values]) };
  const base = { values: async () => Float32Array.of(7) };
  const context = { loaded, compute, base } as unknown as JobContext;
  const held = Float32Array.of(1);
  await useWeights(context, stage, "W", { held });
  held[0] = 2;
  await useWeights(context, stage, "W", { held });
  await useWeights(context, stage, "W");
  await useWeights(context, stage, "W");
  expect(loads).toEqual([[1], [2], [7]]);
});
