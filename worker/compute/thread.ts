/**
 * Entry of the compute thread: the only place that loads tfjs. Ops block their thread, which is why the network lives
 * in another one (DESIGN section 4).
 */
import { setTimeout as pause } from "node:timers/promises";
import { parentPort, workerData } from "node:worker_threads";
import { assert } from "../../shared/assert.js";
import { AppError } from "../../shared/errors.js";
import type { Compute, ComputeSetup } from "./contract.js";
import type { ComputeHello, ComputeRequest, ComputeResponse, EngineInfo, ThreadData } from "./messages.js";

assert(parentPort, "thread.js runs as a worker thread");
const port = parentPort;

function send(message: ComputeHello | ComputeResponse, transfer: ArrayBuffer[] = []): void {
  port.postMessage(message, transfer);
}

function failure(thrown: unknown) {
  const { code, message, hint, stack } = AppError.from(thrown);
  return { code, message: code === "INTERNAL" ? (stack ?? message) : message, hint };
}

interface OpenEngine {
  readonly info: EngineInfo;
  readonly create: (setup: ComputeSetup) => Promise<Compute>;
}

/** Loads what the engine needs and nothing more: the simulated one never loads TensorFlow. */
async function openEngine(data: ThreadData): Promise<OpenEngine> {
  if (data.engine === "simulated") {
    const [{ describeSimulated }, { SimulatedCompute }] = await Promise.all([
      import("../simulated/engine.js"),
      import("../simulated/compute.js"),
    ]);
    const { simulated } = data;
    return {
      info: describeSimulated(simulated),
      create: async (setup) => new SimulatedCompute(simulated, setup, process.pid),
    };
  }
  const [{ loadEngine }, { requireMath }, { createCompute }, { openCropKernels }] = await Promise.all([
    import("../engine/load.js"),
    import("../engine/math.js"),
    import("../segmentation/compute.js"),
    import("../wasm/crop.js"),
  ]);
  const draw = await openCropKernels();
  const engine = await loadEngine(data);
  const { tf, name, reason, version, device, fingerprint, compile = null, lost } = engine;
  void lost?.then(endLost);
  canBeLost = lost !== undefined;
  return {
    info: { name, reason, version, device, fingerprint },
    create: async (setup) => {
      await requireMath(setup.method.math, engine);
      // TensorFlow's threads mark what they have written without a word to others; such processors keep the order of writes.
      return createCompute(tf, setup, compile, draw, process.arch === "x64");
    },
  };
}

let canBeLost = false;
/** Why the engine computes no more; results of that moment are not to be trusted. */
let gone: string | null = null;
/** Calls are answered one after the other, in the order asked: loading a backbone is asynchronous. */
let last = Promise.resolve();

/** A GPU's driver tells whoever waits for it that it is gone within this, milliseconds. */
const lossNoticeMs = 250;
/** A driver that does not even do that is waited for no longer. */
const lossPatienceMs = 5_000;

/**
 * Ends the thread outside of any call: whatever waits for an answer hears why. Not before the call in hand has failed: Dawn
 * aborts the whole process when a thread ends that waits for its GPU.
 */
async function endLost(why: string): Promise<void> {
  gone = why;
  await Promise.race([last, pause(lossPatienceMs)]);
  await pause(lossNoticeMs);
  setImmediate(() => {
    throw new AppError("ENGINE_FAILED", why);
  });
}

async function main(): Promise<void> {
  const { info, create } = await openEngine(workerData as ThreadData);
  let compute: Compute | null = null;
  const answer = async (request: ComputeRequest): Promise<void> => {
    if (gone !== null) return;
    const startedMs = performance.now();
    try {
      let result: unknown = null;
      if (request.call === "setup") {
        compute?.dispose();
        compute = await create(request.setup);
      } else {
        assert(compute, "setup comes first");
        const method = compute[request.call] as (...args: readonly unknown[]) => unknown;
        result = await method.apply(compute, request.args as unknown[]);
      }
      if (gone !== null) return;
      send({ id: request.id, ok: true, result, computeMs: performance.now() - startedMs }, buffersOf(result));
    } catch (thrown) {
      // A call may notice that the GPU is gone before its driver says so.
      if (canBeLost) await pause(lossNoticeMs);
      if (gone !== null) return;
      send({ id: request.id, ok: false, ...failure(thrown) });
    }
  };
  port.on("message", (request: ComputeRequest) => {
    last = last.then(() => answer(request));
  });
  send({ kind: "ready", engine: info });
}

/** The big results (gradient sums, parameters) move instead of being copied. */
function buffersOf(result: unknown): ArrayBuffer[] {
  const items = Array.isArray(result) ? result : [result];
  const buffers = items
    .map((item) => (item as { values?: unknown } | null)?.values)
    .filter((values): values is Float32Array => values instanceof Float32Array)
    .map((values) => values.buffer)
    .filter((buffer): buffer is ArrayBuffer => buffer instanceof ArrayBuffer);
  return [...new Set(buffers)];
}

main().catch((thrown: unknown) => send({ kind: "failed", ...failure(thrown) }));
