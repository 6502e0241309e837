/** What is left when the compute thread is not, and who starts it again. */
import { afterEach, describe, expect, test } from "vitest";
import { runConfigSchema } from "../../coordinator/config.js";
import { engineRestartMs } from "../../shared/limits.js";
import { VectorMemory } from "../../shared/math/vectors.js";
import type { ComputeClient } from "../../worker/compute/client.js";
import { EngineKeeper, type EngineKeeperOptions } from "../../worker/compute/keeper.js";
import { until } from "../support/until.js";

type Pause = NonNullable<EngineKeeperOptions["pause"]>;

const simulated = { imageMs: 0, jitter: 0, parameters: 10, fault: "" };
const { method } = runConfigSchema.parse({});
const setup = { method, seed: 1, classes: ["cat"], backbone: null };
const stage = { model: "classifier", round: 0 } as const;

/** Threads are started from files. */
async function start(parameters = simulated.parameters): Promise<ComputeClient> {
  const path = "../../dist/worker/compute/client.js";
  const { ComputeClient: Client } = (await import(path)) as { ComputeClient: typeof ComputeClient };
  return Client.start({ engine: "simulated", threads: 1, simulated: { ...simulated, parameters } });
}

/** From its first line on the thread answers nothing more; that it is gone is heard of later. */
async function kill(client: ComputeClient): Promise<void> {
  const { thread } = client as unknown as { thread: { terminate(): Promise<number> } };
  await thread.terminate();
}

test("an engine that dies is noticed at once, by whoever waits for an answer, whoever does not, and whoever asks later", async () => {
  const compute = await start();
  const died = { code: "ENGINE_FAILED", message: expect.stringContaining("ended") };
  const noticed = expect(compute.died).rejects.toMatchObject(died);
  const killed = kill(compute);
  const answer = expect(compute.call("stats")).rejects.toMatchObject(died);
  await Promise.all([killed, noticed, answer]);
  await expect(compute.call("stats")).rejects.toMatchObject(died);
});

test("one that is closed has not died", async () => {
  const compute = await start();
  let hasDied = false;
  compute.died.catch(() => {
    hasDied = true;
  });
  await compute.close();
  expect(hasDied).toBe(false);
});

test("parameters in shared memory are seen as they are when they are loaded; others are the thread's own copy", async () => {
  const compute = await start();
  await compute.setup(setup);
  const shared = new VectorMemory(10).floats(10);
  const own = new Float32Array(10);
  const job = { stage, step: 0, leafCount: 1, microBatches: [{ leaf: 0, examples: [] }] };
  const gradientAt = async (values: Float32Array) => {
    await compute.call("load", stage, values);
    return (await compute.call("gradients", job)).result[0]!.values;
  };
  const [atZeros, atOnes] = [await gradientAt(own), await gradientAt(own.map(() => 1))];
  expect(atOnes).not.toEqual(atZeros);
  expect(await gradientAt(shared)).toEqual(atZeros);
  expect(await gradientAt(shared.fill(1))).toEqual(atOnes);
  await compute.call("load", stage, shared);
  shared.fill(0);
  expect((await compute.call("gradients", job)).result[0]!.values).toEqual(atZeros);
  expect(own).toEqual(new Float32Array(10));
  await compute.close();
});

describe("a keeper", () => {
  let keeper: EngineKeeper | null = null;
  const log: string[] = [];
  const pausesMs: number[] = [];
  const started: ComputeClient[] = [];
  afterEach(async () => {
    await keeper?.close();
    for (const client of started.splice(0)) await client.close();
    log.length = 0;
    pausesMs.length = 0;
  });

  const noted: Pause = async (ms) => {
    pausesMs.push(ms);
  };

  async function keep(startNext: () => Promise<ComputeClient>, pause = noted): Promise<EngineKeeper> {
    const startOne = async () => {
      const client = await startNext();
      started.push(client);
      return client;
    };
    const note = (message: string) => log.push(message);
    keeper = await EngineKeeper.start({ start: startOne, nowMs: () => 0, log: note, pause });
    return keeper;
  }

  test("starts a lost engine again, which computes the same and knows nothing of the run", async () => {
    const engine = await keep(() => start());
    await engine.setup(setup);
    const before = await engine.call("init", stage);
    const killed = kill(started[0]!);
    const answer = expect(engine.call("stats")).rejects.toThrow("ended");
    await Promise.all([killed, answer]);
    expect(engine.losses).toEqual({ count: 1, reason: "the compute thread has ended" });
    await engine.ready();
    await expect(engine.call("init", stage)).rejects.toThrow("setup comes first");
    await engine.setup(setup);
    expect((await engine.call("init", stage)).result).toEqual(before.result);
    expect(log).toEqual([
      `engine simulated lost: the compute thread has ended; starting it again in ${engineRestartMs / 1000} s`,
      "engine simulated computes again",
    ]);
  });

  test("takes no other engine in its place, whose bits would be others, and gives up after three tries", async () => {
    let parameters = 10;
    const engine = await keep(() => start(parameters));
    parameters = 11;
    const ended = expect(engine.ended).rejects.toMatchObject({
      code: "ENGINE_FAILED",
      message: expect.stringMatching(
        /^lost 4 times within 10 minutes, the last time because: it came back as "simulated/,
      ),
    });
    await kill(started[0]!);
    await ended;
    expect(pausesMs).toEqual([1, 4, 16].map((factor) => factor * engineRestartMs));
    await expect(engine.ready()).rejects.toThrow("lost 4 times");
    await expect(engine.call("stats")).rejects.toThrow("ended");
  });

  test("that is closed starts nothing more", async () => {
    const untilStopped: Pause = (_, signal) => {
      return new Promise<void>((_, reject) => signal.addEventListener("abort", () => reject(new Error("stopped"))));
    };
    const engine = await keep(() => start(), untilStopped);
    await kill(started[0]!);
    await until("the loss", () => engine.losses.count === 1);
    await engine.close();
    expect(started).toHaveLength(1);
  });
});
