/** Entry of a thread that moves a part of a model's numbers in updates. */
import { parentPort, workerData } from "node:worker_threads";
import { stepRange } from "../../shared/aggregate/step-helpers.js";
import { assert } from "../../shared/assert.js";
import { adoptMemory } from "../../shared/math/vectors.js";
import type { WasmMemory } from "../../shared/web-assembly.js";
import type { ArrayPlace, HelperData, StepReply, StepRequest } from "./messages.js";

assert(parentPort, "thread.js runs as a worker thread");
const port = parentPort;
const { thread } = workerData as HelperData;
/** The one that was worked in last. */
let known: WasmMemory<SharedArrayBuffer> | null = null;

async function answer({ memory, places, step, range }: StepRequest): Promise<StepReply> {
  try {
    if (memory) adoptMemory(memory, thread);
    known = memory ?? known;
    const { buffer } = known!;
    const of = ({ byteOffset, length }: ArrayPlace) => new Float32Array(buffer, byteOffset, length);
    const { values, m, v, gradient } = places;
    const numbers = { values: of(values), m: of(m), v: of(v), gradient: of(gradient) };
    return { areNumbers: await stepRange(numbers, step, range) };
  } catch (error) {
    return { failure: String(error) };
  }
}

port.on("message", async (request: StepRequest) => port.postMessage(await answer(request)));
