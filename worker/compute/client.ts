/** The main thread's end of the compute thread: one call at a time, in order, as promises. */
import { Worker } from "node:worker_threads";
import { AppError } from "../../shared/errors.js";
import { engineEnv } from "../engine/environment.js";
import type { Compute, ComputeSetup } from "./contract.js";
import type { ComputeHello, ComputeMethod, ComputeResponse, EngineInfo, ThreadData } from "./messages.js";

interface Waiting {
  readonly resolve: (value: { result: unknown; computeMs: number }) => void;
  readonly reject: (error: Error) => void;
}

export interface Timed<T> {
  readonly result: T;
  /** Time spent in the compute thread, milliseconds. */
  readonly computeMs: number;
}

export class ComputeClient {
  private readonly waiting = new Map<number, Waiting>();
  private nextId = 1;
  private death: AppError | null = null;
  private isClosed = false;
  /** Rejects when the thread ends unasked: a lost GPU, a crash. */
  readonly died: Promise<never>;

  private constructor(
    private readonly thread: Worker,
    readonly engine: EngineInfo,
    ended: Promise<AppError>,
  ) {
    thread.on("message", (response: ComputeResponse) => this.settle(response));
    this.died = new Promise((_, reject) => {
      void ended.then((error) => {
        if (this.isClosed) return;
        this.death = error;
        // Whoever looks after the engine hears of it before those who wait for an answer.
        reject(error);
        this.failAll(error);
      });
    });
    // Not everybody waits for it.
    this.died.catch(() => undefined);
  }

  get isDead(): boolean {
    return this.death !== null;
  }

  /** Starts the thread and loads the engine. @throws AppError ENGINE_MISSING | ENGINE_FAILED */
  static async start(data: ThreadData): Promise<ComputeClient> {
    // Only the main thread's process.env reaches the C library, and it must be set before libtensorflow loads.
    if (data.engine !== "simulated") Object.assign(process.env, engineEnv(data));
    const thread = new Worker(new URL("./thread.js", import.meta.url), { workerData: data });
    // One that greets and ends at once does both in one turn of the event loop: whoever looked after its greeting only would miss it.
    const ended = new Promise<AppError>((resolve) => {
      thread.once("error", (thrown) => resolve(deathBy(thrown)));
      thread.once("exit", () => resolve(new AppError("ENGINE_FAILED", "the compute thread has ended")));
    });
    const greeting = new Promise<ComputeHello>((resolve) => thread.once("message", resolve));
    const hello = await Promise.race([greeting, ended]);
    if (hello instanceof AppError) throw hello;
    if (hello.kind === "failed") {
      await thread.terminate();
      throw new AppError(hello.code, hello.message, { hint: hello.hint });
    }
    return new ComputeClient(thread, hello.engine, ended);
  }

  async setup(setup: ComputeSetup): Promise<void> {
    await this.post({ call: "setup", setup });
  }

  async call<M extends ComputeMethod>(
    method: M,
    ...args: Parameters<Compute[M]>
  ): Promise<Timed<Awaited<ReturnType<Compute[M]>>>> {
    const { result, computeMs } = await this.post({ call: method, ...moved(args) });
    return { result: result as Awaited<ReturnType<Compute[M]>>, computeMs };
  }

  async close(): Promise<void> {
    this.isClosed = true;
    await this.thread.terminate();
    this.failAll(new AppError("INTERRUPTED", "the compute thread was closed"));
  }

  private post({ transfer = [], ...message }: Message): Promise<{ result: unknown; computeMs: number }> {
    // Nobody would answer.
    if (this.death) return Promise.reject(this.death);
    const id = this.nextId++;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.thread.postMessage({ id, ...message }, transfer);
    });
  }

  private settle(response: ComputeResponse): void {
    const waiting = this.waiting.get(response.id);
    this.waiting.delete(response.id);
    if (response.ok) waiting?.resolve({ result: response.result, computeMs: response.computeMs });
    else waiting?.reject(new AppError(response.code, response.message, { hint: response.hint }));
  }

  private failAll(error: Error): void {
    for (const { reject } of this.waiting.values()) reject(error);
    this.waiting.clear();
  }
}

interface Message {
  readonly transfer?: readonly ArrayBuffer[];
  readonly [key: string]: unknown;
}

/**
 * Parameters that lie in shared memory are there already. Others go as a copy that is given away: posted as they are, all that lies
 * in their memory would be copied, and twice.
 */
function moved(args: readonly unknown[]): Pick<Message, "args" | "transfer"> {
  const transfer: ArrayBuffer[] = [];
  const copies = args.map((arg) => {
    if (!(arg instanceof Float32Array) || arg.buffer instanceof SharedArrayBuffer) return arg;
    const copy = new Float32Array(arg);
    transfer.push(copy.buffer);
    return copy;
  });
  return { args: copies, transfer };
}

function deathBy(thrown: Error): AppError {
  return new AppError("ENGINE_FAILED", thrown.message, { cause: thrown });
}
