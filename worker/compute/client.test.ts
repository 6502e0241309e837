/** What a thread says and that it ends can be heard in one turn of the event loop, when this thread was busy. */
import type { EventEmitter } from "node:events";
import { beforeEach, expect, test, vi } from "vitest";
import { ComputeClient } from "./client.js";

const threads = vi.hoisted(() => [] as EventEmitter[]);
vi.mock("node:worker_threads", async () => {
  const events = await import("node:events");
  class FakeThread extends events.EventEmitter {
    terminate = async () => 0;
    postMessage = () => undefined;

    constructor() {
      super();
      threads.push(this);
    }
  }
  return { Worker: FakeThread };
});
beforeEach(() => threads.splice(0));

const simulated = { imageMs: 0, jitter: 0, parameters: 1, fault: "" };
const pulledOut = { code: "ENGINE_FAILED", message: "the engine is pulled out" };

function begin() {
  const starting = ComputeClient.start({ engine: "simulated", threads: 1, simulated });
  const [thread] = threads;
  return { starting, thread: thread! };
}

test("one that greets, fails and ends at once is started, and has died", async () => {
  const { starting, thread } = begin();
  thread.emit("message", { kind: "ready", engine: { name: "simulated" } });
  thread.emit("error", new Error("the engine is pulled out"));
  thread.emit("exit", 1);
  const client = await starting;
  await expect(client.died).rejects.toMatchObject(pulledOut);
  await expect(client.call("stats")).rejects.toMatchObject(pulledOut);
});

test("one that fails before it greets does not start", async () => {
  const { starting, thread } = begin();
  thread.emit("error", new Error("the engine is pulled out"));
  thread.emit("exit", 1);
  await expect(starting).rejects.toMatchObject(pulledOut);
});
