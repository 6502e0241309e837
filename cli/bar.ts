/** A bar with the time left, on stderr, and only where somebody watches. */
import { SingleBar } from "cli-progress";
import { duration } from "./event-text.js";

export interface Bar {
  readonly update: (done: number, total: number) => void;
  readonly stop: () => void;
}

/** `unit` turns counts into text: bytes into megabytes. */
export function startBar(verb: string, unit: (count: number) => string = String): Bar {
  if (!process.stderr.isTTY) return { update: () => {}, stop: () => {} };
  const format = `${verb} {bar} {done}/{of}  {left}`;
  const bar = new SingleBar({ format, stream: process.stderr, clearOnComplete: true, hideCursor: true });
  let startedMs: number | null = null;
  const update = (done: number, total: number) => {
    const nowMs = performance.now();
    startedMs ??= nowMs;
    const seconds = secondsLeft(done, total, (nowMs - startedMs) / 1000);
    const payload = { done: unit(done), of: unit(total), left: seconds === null ? "" : `${duration(seconds)} left` };
    if (!bar.isActive) bar.start(total, done, payload);
    bar.setTotal(total);
    bar.update(done, payload);
  };
  return { update, stop: () => bar.stop() };
}

/** Null while nothing can be said. */
export function secondsLeft(done: number, total: number, seconds: number): number | null {
  return done > 0 && total >= done && seconds > 1 ? (seconds * (total - done)) / done : null;
}

export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
