/** What is left when the compute thread is not. */
import { expect, test } from "vitest";
import type { ComputeClient } from "../../worker/compute/client.js";

const simulated = { imageMs: 0, jitter: 0, parameters: 10, fault: "" };

async function start(): Promise<ComputeClient> {
  const path = "../../dist/worker/compute/client.js";
  const { ComputeClient: Client } = (await import(path)) as { ComputeClient: typeof ComputeClient };
  return Client.start({ engine: "simulated", threads: 1, simulated });
}

test("an engine that dies is noticed at once, by whoever waits for an answer and by whoever does not", async () => {
  const compute = await start();
  const { thread } = compute as unknown as { thread: { terminate(): Promise<number> } };
  const died = expect(compute.died).rejects.toMatchObject({
    code: "ENGINE_FAILED",
    message: expect.stringContaining("ended"),
  });
  const answer = expect(compute.call("stats")).rejects.toThrow();
  await thread.terminate();
  await Promise.all([died, answer]);
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
