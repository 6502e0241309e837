/** A handful of compute processes, each with one engine thread, and the calls that go to all of them. */
import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { engineEnv } from "../../worker/engine/environment.js";
import type { BenchRequest, BenchSetup } from "./worker.js";

interface Pending {
  readonly resolve: (result: never) => void;
  readonly reject: (error: Error) => void;
}

export class BenchPool {
  private readonly pending = new Map<number, Pending>();
  private nextId = 0;

  private constructor(private readonly children: readonly ChildProcess[]) {
    for (const child of children) {
      child.on("message", ({ id, result, error }: { id: number; result: never; error?: string }) => {
        const waiting = this.pending.get(id)!;
        this.pending.delete(id);
        if (error) waiting.reject(new Error(error));
        else waiting.resolve(result);
      });
    }
  }

  static async start(count: number, setup: BenchSetup): Promise<BenchPool> {
    const env = { ...process.env, ...engineEnv({ engine: "auto", threads: 1 }) };
    const path = fileURLToPath(new URL("./worker.js", import.meta.url));
    const children = Array.from({ length: count }, () => fork(path, { env, serialization: "advanced" }));
    const pool = new BenchPool(children);
    await pool.all({ call: "setup", setup });
    return pool;
  }

  get size(): number {
    return this.children.length;
  }

  call<R>(worker: number, request: BenchRequest): Promise<R> {
    const id = this.nextId++;
    return new Promise<R>((resolve, reject) => {
      this.pending.set(id, { resolve, reject });
      this.children[worker]!.send({ id, request });
    });
  }

  all<R>(request: BenchRequest): Promise<R[]> {
    return Promise.all(this.children.map((_, worker) => this.call<R>(worker, request)));
  }

  /** Splits items round robin, the same way every time, and joins the answers. */
  async spread<R>(items: readonly number[], make: (part: readonly number[]) => BenchRequest): Promise<R[]> {
    const parts = this.children.map((_, worker) => items.filter((_item, i) => i % this.size === worker));
    const answers = await Promise.all(parts.map((part, worker) => this.call<R[]>(worker, make(part))));
    return answers.flat();
  }

  stop(): void {
    for (const child of this.children) child.kill();
  }
}
