/**
 * Simulated time and processes. Everything that happens is an action at a moment of simulated time; actions of one
 * moment run in the order they were planned, so a seed fixes the whole run.
 */
import { Rng } from "../../shared/rng.js";

interface Planned {
  readonly atMs: number;
  readonly serial: number;
  readonly process: Process | null;
  readonly action: () => void;
}

/** One incarnation of a program: what it planned dies with it, and waits while it is paused (SIGSTOP). */
export class Process {
  isAlive = true;
  private isPaused = false;
  private readonly held: (() => void)[] = [];
  private readonly mourners: (() => void)[] = [];

  constructor(
    readonly name: string,
    /** Host: what partitions separate. */
    readonly place: string,
  ) {}

  get runs(): boolean {
    return this.isAlive && !this.isPaused;
  }

  run(action: () => void): void {
    if (!this.isAlive) return;
    if (this.isPaused) this.held.push(action);
    else action();
  }

  kill(): void {
    if (!this.isAlive) return;
    this.isAlive = false;
    this.held.length = 0;
    for (const mourner of this.mourners.splice(0)) mourner();
  }

  onDeath(action: () => void): void {
    this.mourners.push(action);
  }

  pause(): void {
    this.isPaused = true;
  }

  /** Everything that came in the meantime happens now, in order. */
  resume(): void {
    if (!this.isPaused) return;
    this.isPaused = false;
    for (const action of this.held.splice(0)) this.run(action);
  }
}

export class World {
  nowMs = 0;
  /** Actions so far. */
  actions = 0;
  readonly rng: Rng;
  private serial = 0;
  private readonly heap: Planned[] = [];

  constructor(seed: number) {
    this.rng = new Rng("sim", seed);
  }

  /** `process` null: the world's own doing, which nothing can stop. */
  after(delayMs: number, process: Process | null, action: () => void): void {
    push(this.heap, { atMs: this.nowMs + Math.max(0, delayMs), serial: this.serial++, process, action });
  }

  every(periodMs: number, process: Process, action: () => void): void {
    const beat = () => {
      if (!process.isAlive) return;
      this.after(periodMs, process, beat);
      action();
    };
    this.after(this.rng.uniform(0, periodMs), process, beat);
  }

  /** False when nothing is planned any more. */
  next(): boolean {
    const planned = pop(this.heap);
    if (!planned) return false;
    this.nowMs = planned.atMs;
    this.actions++;
    if (planned.process) planned.process.run(planned.action);
    else planned.action();
    return true;
  }

  chance(probability: number): boolean {
    return probability > 0 && this.rng.next() < probability;
  }
}

function isBefore(a: Planned, b: Planned): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.serial < b.serial);
}

function push(heap: Planned[], item: Planned): void {
  let at = heap.push(item) - 1;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (!isBefore(item, heap[parent]!)) break;
    heap[at] = heap[parent]!;
    at = parent;
  }
  heap[at] = item;
}

function pop(heap: Planned[]): Planned | undefined {
  const top = heap[0];
  const last = heap.pop();
  if (!top || !last || heap.length === 0) return top;
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
    if (!isBefore(heap[child]!, last)) break;
    heap[at] = heap[child]!;
    at = child;
  }
  heap[at] = last;
  return top;
}
