/** Others wait for sums of this worker's that are still being computed, or are yet to be asked of it. */
import { AppError } from "../../shared/errors.js";
import { isOfStep } from "./names.js";

interface Waiter {
  readonly name: string;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
  /** Ends the wait for a step that does not begin here; null: it has. */
  patience: NodeJS.Timeout | null;
}

export class Awaited {
  private waiters: Waiter[] = [];

  /** `stepPatienceMs`: how long to wait for the step to begin. */
  constructor(private readonly stepPatienceMs: number) {}

  get count(): number {
    return this.waiters.length;
  }

  /** Resolves when the vector is there. `hasBegun`: its step has, here. @throws AppError when it does not come */
  wait(name: string, hasBegun: boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const waiter: Waiter = { name, resolve, reject, patience: null };
      if (!hasBegun) waiter.patience = setTimeout(() => this.endAll((other) => other === waiter), this.stepPatienceMs);
      this.waiters.push(waiter);
    });
  }

  came(name: string): void {
    for (const { resolve } of this.taken((waiter) => waiter.name === name)) resolve();
  }

  /** Work goes on with `step`: nothing of the one before it comes any more. */
  enter(step: string): void {
    this.endAll(({ patience }) => patience === null);
    for (const waiter of this.waiters) {
      if (!isOfStep(step, waiter.name) || waiter.patience === null) continue;
      clearTimeout(waiter.patience);
      waiter.patience = null;
    }
  }

  end(): void {
    this.endAll(() => true);
  }

  private endAll(ends: (waiter: Waiter) => boolean): void {
    for (const { name, reject } of this.taken(ends)) reject(new AppError("MESSAGE_INVALID", `${name} does not come`));
  }

  private taken(isTaken: (waiter: Waiter) => boolean): readonly Waiter[] {
    const taken = this.waiters.filter(isTaken);
    this.waiters = this.waiters.filter((waiter) => !taken.includes(waiter));
    for (const { patience } of taken) if (patience) clearTimeout(patience);
    return taken;
  }
}
