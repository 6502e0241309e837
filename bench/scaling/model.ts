/**
 * What a training step costs, as a sum of few terms whose factors are fitted to measurements, and what that says of clusters
 * that nobody here has. Pure.
 */
import { localSteps, type Mode } from "../lib/simulated-cluster.js";
import { fitCosts } from "./fit.js";

/** Of one optimiser step, milliseconds. */
export interface Point {
  readonly workers: number;
  /** Of parameters, f32, 10^6 bytes. */
  readonly megabytes: number;
  readonly mode: Mode;
  readonly computeMs: number;
  readonly wallMs: number;
  readonly coordinatorCpuMs: number;
  readonly workersCpuMs: number;
  /** Share of the processor that others used just before, 0..1. */
  readonly busyBefore: number;
  readonly load: number;
}

/** Of one update: what deciding costs the coordinator. */
export interface CorePoint {
  readonly workers: number;
  readonly mode: Mode;
  readonly cpuMs: number;
  readonly commandBytes: number;
}

export interface Measured {
  readonly machine: string;
  readonly points: readonly Point[];
  readonly core: readonly CorePoint[];
}

export interface Size {
  readonly workers: number;
  readonly megabytes: number;
  /** That a step takes by the clock: beats, ticks and status cost something whether or not anybody computes. */
  readonly seconds: number;
}

export function sizeOf({ workers, megabytes, wallMs }: Point): Size {
  return { workers, megabytes, seconds: wallMs / 1_000 };
}

export interface Link {
  readonly megabytesPerSecond: number;
  readonly roundTripMs: number;
}

/** Points that the fit does not see: what it says of them is a prediction. */
export function isHeldOut({ workers, megabytes, mode }: Point): boolean {
  return mode === "local" || workers === 32 || megabytes === 56;
}

/** An update moves this much through the coordinator (star, and a round of local steps) or through each worker (sharded). */
const terms: Readonly<Record<"star" | "sharded", (size: Size) => number[]>> = {
  star: ({ workers, megabytes, seconds }) => [1, workers, workers * megabytes, megabytes, workers * seconds],
  sharded: ({ workers, seconds }) => [1, workers, workers * seconds],
};
const workerTerms: typeof terms = {
  star: ({ megabytes, seconds }) => [1, megabytes, seconds],
  sharded: ({ workers, megabytes, seconds }) => {
    return [1, workers, megabytes, (megabytes * 2 * (workers - 1)) / workers, seconds];
  },
};

export class CostModel {
  readonly coordinator: Readonly<Record<"star" | "sharded", readonly number[]>>;
  readonly worker: Readonly<Record<"star" | "sharded", readonly number[]>>;
  /** Factors of workers and of their square. */
  readonly core: Readonly<Record<Mode, readonly number[]>>;
  /** Of one worker's local step, by MB: measured at one size, and what the clock costs is a star's. */
  readonly localStep: readonly number[];

  constructor({ points, core }: Measured) {
    const seen = points.filter((point) => !isHeldOut(point));
    const of = (mode: Mode) => seen.filter((point) => point.mode === mode);
    const coreOf = (mode: Mode) => {
      const own = core.filter((point) => point.mode === mode);
      return fitCosts(
        own.map(({ workers }) => [workers, workers ** 2]),
        own.map(({ cpuMs }) => cpuMs),
      );
    };
    this.core = { star: coreOf("star"), sharded: coreOf("sharded"), local: coreOf("local") };
    const coordinator = (mode: "star" | "sharded") => {
      const own = of(mode);
      return fitCosts(
        own.map((point) => terms[mode](sizeOf(point))),
        own.map((point) => Math.max(1, point.coordinatorCpuMs - this.coreMs(mode, point.workers))),
      );
    };
    const worker = (mode: "star" | "sharded") => {
      const own = of(mode);
      return fitCosts(
        own.map((point) => workerTerms[mode](sizeOf(point))),
        own.map(({ workers, workersCpuMs }) => workersCpuMs / workers),
      );
    };
    this.coordinator = { star: coordinator("star"), sharded: coordinator("sharded") };
    this.worker = { star: worker("star"), sharded: worker("sharded") };
    const local = points.filter(
      ({ mode, workers, megabytes }) => mode === "local" && workers <= 16 && megabytes !== 56,
    );
    this.localStep = fitCosts(
      local.map(({ megabytes }) => [megabytes]),
      local.map((point) => Math.max(1, point.workersCpuMs / point.workers - this.clockMs(sizeOf(point)))),
    );
  }

  coreMs(mode: Mode, workers: number): number {
    const [linear = 0, square = 0] = this.core[mode];
    return linear * workers + square * workers ** 2;
  }

  /** Of the coordinator, for one step. */
  coordinatorMs(mode: Mode, size: Size): number {
    const like = mode === "local" ? "star" : mode;
    const steps = mode === "local" ? localSteps : 1;
    const update = { ...size, seconds: steps * size.seconds };
    return (dot(this.coordinator[like], terms[like](update)) + this.coreMs(mode, size.workers)) / steps;
  }

  /** Of one worker, for one step. */
  workerMs(mode: Mode, size: Size): number {
    if (mode === "local") return dot(this.localStep, [size.megabytes]) + this.clockMs(size);
    return dot(this.worker[mode], workerTerms[mode](size));
  }

  /** Of a worker, for as long as a step takes. */
  private clockMs({ seconds }: Size): number {
    return (this.worker.star.at(-1) ?? 0) * seconds;
  }

  /** A step where every worker, and the coordinator, has a machine and a line of its own: what the clock costs is paid while others compute. */
  stepMs(mode: Mode, { workers, megabytes }: Omit<Size, "seconds">, computeMs: number, link: Link): number {
    const size = { workers, megabytes, seconds: 0 };
    const lineMs = (1_000 * megabytes) / link.megabytesPerSecond;
    const coordinator = this.coordinatorMs(mode, size);
    const worker = this.workerMs(mode, size);
    switch (mode) {
      case "sharded":
        // Three barriers, of an order and a pull each.
        return computeMs + worker + coordinator + (2 * lineMs * (workers - 1)) / workers + 6 * link.roundTripMs;
      case "star":
        // Its line and its thread are busy at the same time; what takes longer counts.
        return computeMs + worker + Math.max(coordinator, 2 * workers * lineMs) + 3 * link.roundTripMs;
      case "local": {
        const line = (2 * workers * lineMs) / localSteps;
        return computeMs + worker + Math.max(coordinator, line) + (3 * link.roundTripMs) / localSteps;
      }
    }
  }

  /** Share of a worker's time alone, 0..1: weak scaling. */
  efficiency(mode: Mode, size: Omit<Size, "seconds">, computeMs: number, link: Link): number {
    const alone = this.stepMs(mode, { ...size, workers: 1 }, computeMs, link);
    return alone / this.stepMs(mode, size, computeMs, link);
  }
}

function dot(factors: readonly number[], values: readonly number[]): number {
  return factors.reduce((sum, factor, i) => sum + factor * values[i]!, 0);
}
