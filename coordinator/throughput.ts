/** Images per second, per worker and in all, and how long the rest will take. Pure. */
import { isTraining, type Phase, phaseKey } from "./core/plan.js";

interface Sample {
  readonly atMs: number;
  readonly images: number;
  readonly computeMs: number;
  readonly waitMs: number;
}

/** Rates look back this far: long enough to be steady, short enough to show a slow worker. */
const windowMs = 20_000;

export interface Rate {
  readonly imagesPerSecond: number;
  /** Share of the busy time that went into waiting for data, 0..1. */
  readonly waitShare: number;
}

export class Throughput {
  private readonly samples = new Map<string, Sample[]>();
  private readonly seconds = new Map<string, number>();
  private phase: { readonly key: string; readonly startedMs: number } | null = null;

  add(workerId: string, sample: Sample): void {
    const samples = this.samples.get(workerId) ?? [];
    samples.push(sample);
    while (samples.length > 1 && sample.atMs - samples[0]!.atMs > windowMs) samples.shift();
    this.samples.set(workerId, samples);
  }

  /** Notes when a phase began; naming the current phase again changes nothing. */
  enter(phase: Phase, nowMs: number): void {
    if (this.phase?.key === phaseKey(phase)) return;
    if (this.phase) this.seconds.set(kindOf(this.phase.key), (nowMs - this.phase.startedMs) / 1000);
    this.phase = { key: phaseKey(phase), startedMs: nowMs };
  }

  of(workerId: string, nowMs: number): Rate {
    return rate(this.samples.get(workerId) ?? [], nowMs);
  }

  total(nowMs: number): number {
    return [...this.samples.keys()].reduce((sum, id) => sum + this.of(id, nowMs).imagesPerSecond, 0);
  }

  /** Null while nothing like the rest has been seen yet. */
  etaSeconds(plan: readonly Phase[], phaseIndex: number, doneShare: number, nowMs: number): number | null {
    if (!this.phase) return null;
    const spent = (nowMs - this.phase.startedMs) / 1000;
    const current = doneShare > 0.02 ? (spent * (1 - doneShare)) / doneShare : null;
    if (current === null) return null;
    const perPhase = current + spent;
    const later = plan.slice(phaseIndex + 1).map((phase) => {
      const kind = kindOf(phaseKey(phase));
      // A phase of an unseen kind: training takes what this one took, a map a fifth of it (both measured on one benchmark).
      return (
        this.seconds.get(kind) ??
        (kind === kindOf(this.phase!.key) ? perPhase : perPhase * (isTraining(phase) ? 1 : 0.2))
      );
    });
    return current + later.reduce((sum, seconds) => sum + seconds, 0);
  }
}

function kindOf(key: string): string {
  return key.replace(/-\d+$/, "");
}

function rate(samples: readonly Sample[], nowMs: number): Rate {
  const recent = samples.filter((sample) => nowMs - sample.atMs <= windowMs);
  const [first] = recent;
  if (!first) return { imagesPerSecond: 0, waitShare: 0 };
  const sum = (of: (sample: Sample) => number) => recent.reduce((total, sample) => total + of(sample), 0);
  const busyMs = sum((sample) => sample.computeMs + sample.waitMs);
  // The first sample's work began before the window: its own duration counts as well.
  const spanMs = Math.max(nowMs - first.atMs + first.computeMs + first.waitMs, 1);
  return {
    imagesPerSecond: (sum((sample) => sample.images) * 1000) / spanMs,
    waitShare: busyMs > 0 ? sum((sample) => sample.waitMs) / busyMs : 0,
  };
}
