/** A sum of this worker's that others get while its last parts are still computed. */
import { AppError } from "../../shared/errors.js";
import type { Encoded } from "../../shared/math/wire.js";
import { isLaidOut, isWritten, type SumProgress } from "../compute/sum-progress.js";
import { FiniteLook } from "./finite-look.js";

/** Nobody is told when TensorFlow writes, so others look: so many times while a sum grows, and never more often than this, milliseconds. */
const looks = 40;
const [lookMsMin, lookMsMax] = [5, 100];

/** Between two looks, when the sum before took so long. */
export function lookMsOf(grewMs: number): number {
  return Math.min(lookMsMax, Math.max(lookMsMin, grewMs / looks));
}

interface Wait {
  readonly first: number;
  readonly end: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

export class Growing {
  private waits: Wait[] = [];
  /** Others may have got something of it. */
  isOpen = false;
  private end: "whole" | "gone" | null = null;
  private readonly timer: NodeJS.Timeout;
  private readonly fromMs = performance.now();
  private readonly finite: FiniteLook;

  /** `values`: as others will get them, f32. `opened`: somebody writes them there, part by part. */
  constructor(
    readonly values: Float32Array,
    readonly encoded: Encoded,
    private readonly progress: SumProgress,
    private readonly opened: () => void,
    lookMs: number,
  ) {
    this.finite = new FiniteLook(values, progress);
    this.timer = setInterval(() => this.look(), lookMs);
  }

  /** Resolves when numbers [first, end) are what they will be; of none: when all are, and the work has ended well. @throws AppError when they are given up */
  ready(first: number, end: number): Promise<void> {
    if (this.has(first, end)) return Promise.resolve();
    if (this.end === "gone") return Promise.reject(given());
    return new Promise((resolve, reject) => this.waits.push({ first, end, resolve, reject }));
  }

  whole(): void {
    this.finish("whole");
    for (const { resolve } of this.waits.splice(0)) resolve();
  }

  /** Where the first number is that is NaN or infinite; -1: nowhere. Of one that is whole. */
  notFiniteIndex(): number {
    return this.finite.rest();
  }

  /** Nothing of it may be used. */
  gone(): void {
    this.finish("gone");
    for (const { reject } of this.waits.splice(0)) reject(given());
  }

  get ageMs(): number {
    return performance.now() - this.fromMs;
  }

  private finish(end: "whole" | "gone"): void {
    this.end ??= end;
    clearInterval(this.timer);
  }

  private has(first: number, end: number): boolean {
    return this.end === "whole" || (this.end === null && first < end && isWritten(this.progress, first, end));
  }

  private look(): void {
    if (!this.isOpen && isLaidOut(this.progress)) {
      this.isOpen = true;
      this.opened();
    }
    this.finite.look();
    const there = this.waits.filter(({ first, end }) => this.has(first, end));
    if (there.length === 0) return;
    this.waits = this.waits.filter((wait) => !there.includes(wait));
    for (const { resolve } of there) resolve();
  }
}

function given(): AppError {
  return new AppError("MESSAGE_INVALID", "the sum that was being sent is not computed any more");
}
