/**
 * Entry of the compute thread: the only place that loads tfjs. Ops block their thread, which is why the network lives
 * in another one (DESIGN section 4).
 */
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
  const [{ loadEngine }, { createCompute }, { openCropKernels }] = await Promise.all([
    import("../engine/load.js"),
    import("../segmentation/compute.js"),
    import("../wasm/crop.js"),
  ]);
  const draw = await openCropKernels();
  const { tf, name, reason, version, device, fingerprint, compile = null, lost } = await loadEngine(data);
  void lost?.then((why) => {
    gone = why;
    // Outside of any call: it ends the thread, and whatever waits for an answer hears why.
    setImmediate(endThread);
  });
  return {
    info: { name, reason, version, device, fingerprint },
    create: (setup) => createCompute(tf, setup, compile, draw),
  };
}

/** Why the engine computes no more; results of that moment are not to be trusted. */
let gone: string | null = null;

function endThread(): never {
  throw new AppError("ENGINE_FAILED", gone ?? "the engine is gone");
}

async function main(): Promise<void> {
  const { info, create } = await openEngine(workerData as ThreadData);
  let compute: Compute | null = null;
  const answer = async (request: ComputeRequest): Promise<void> => {
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
      send({ id: request.id, ok: false, ...failure(thrown) });
    }
  };
  /** One after the other, in the order asked: loading a backbone is asynchronous. */
  let last = Promise.resolve();
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
