/** Threads that take a part in a model's updates, started when the first update is large enough. */
import { Worker } from "node:worker_threads";
import { type HelpedStep, type HelperStep, type StepHelpers, sharesOf } from "../../shared/aggregate/step-helpers.js";
import { AppError } from "../../shared/errors.js";
import { type AdamWNumbers, memoryOf, threadsMax } from "../../shared/math/vectors.js";
import type { WasmMemory } from "../../shared/web-assembly.js";
import type { ArrayPlace, HelperData, StepReply, StepRequest } from "./messages.js";

type Memory = WasmMemory<SharedArrayBuffer>;

export class StepThreads implements StepHelpers {
  private threads: StepThread[] = [];

  constructor(
    /** The calling one among them. */
    private readonly count: number,
  ) {}

  begin(numbers: AdamWNumbers, step: HelperStep): HelpedStep | null {
    const { values, m, v, gradient } = numbers;
    const memory = memoryOf(values, m, v, gradient);
    const bounds = sharesOf(values.length, Math.min(this.count, threadsMax));
    if (!memory || bounds.length < 3) return null;
    const places = { values: placeOf(values), m: placeOf(m), v: placeOf(v), gradient: placeOf(gradient) };
    const shares = bounds.slice(1, -1).map((first, i) => {
      if (this.threads[i]?.hasEnded !== false) this.threads[i] = new StepThread({ thread: i + 1 });
      return this.threads[i].move(memory, { places, step, range: [first, bounds[i + 2]!] });
    });
    const areNumbers = Promise.all(shares).then((all) => all.every(Boolean));
    // It is waited for when this thread has done its own part.
    areNumbers.catch(() => undefined);
    return { first: bounds[1]!, areNumbers };
  }

  /** Ends the threads; another update would start others. */
  async close(): Promise<void> {
    await Promise.all(this.threads.splice(0).map((thread) => thread.close()));
  }
}

interface Waiting {
  readonly resolve: (areNumbers: boolean) => void;
  readonly reject: (error: Error) => void;
}

/** One update at a time. */
class StepThread {
  private readonly worker: Worker;
  private waiting: Waiting | null = null;
  private memory: Memory | null = null;
  hasEnded = false;

  constructor(workerData: HelperData) {
    this.worker = new Worker(new URL("./thread.js", import.meta.url), { workerData });
    this.worker.on("message", (reply: StepReply) => this.settle(reply));
    this.worker.on("error", (error) => this.settle({ failure: error.message }));
    this.worker.on("exit", () => {
      this.hasEnded = true;
      this.settle({ failure: "the thread has ended" });
    });
  }

  move(memory: Memory, request: Omit<StepRequest, "memory">): Promise<boolean> {
    const message: StepRequest = { ...request, memory: memory === this.memory ? null : memory };
    this.memory = memory;
    this.worker.ref();
    return new Promise((resolve, reject) => {
      this.waiting = { resolve, reject };
      this.worker.postMessage(message);
    });
  }

  async close(): Promise<void> {
    await this.worker.terminate();
  }

  private settle(reply: StepReply): void {
    const { waiting } = this;
    this.waiting = null;
    // A process that has nothing else to do may end.
    this.worker.unref();
    if ("areNumbers" in reply) waiting?.resolve(reply.areNumbers);
    else waiting?.reject(new AppError("INTERNAL", `an update was not finished: ${reply.failure}`));
  }
}

function placeOf({ byteOffset, length }: Float32Array): ArrayPlace {
  return { byteOffset, length };
}
