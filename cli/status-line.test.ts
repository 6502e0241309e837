import { stripVTControlCharacters } from "node:util";
import { expect, test } from "vitest";
import type { RunStatus } from "../shared/net/subjects.js";
import { bar, phaseTitle, statusLine } from "./status-line.js";
import { throughputText } from "./status-text.js";

const worker = {
  host: "h",
  state: "active",
  imagesPerSecond: 20,
  waitShare: 0.1,
  engine: "",
  device: "",
  rssBytes: null,
  beatAt: null,
};
const status: RunStatus = {
  outer: null,
  runId: "r",
  runDir: "runs/r",
  state: "running",
  reason: "",
  phase: "round 2 training",
  round: 2,
  rounds: 3,
  done: 34,
  total: 100,
  imagesPerSecond: 41.23,
  etaSeconds: 125,
  loss: 0.3119,
  miou: null,
  workers: [
    { ...worker, workerId: "a" },
    { ...worker, workerId: "b", state: "away: silent" },
  ],
  updatedAt: "2026-01-01T00:00:00Z",
};

test("a status is one line: stage, round, step, speed, loss, workers, time left", () => {
  expect(stripVTControlCharacters(statusLine(status))).toBe(
    `round 2/3 training ${bar(34, 100)} 34/100  41.2 images/s  loss 0.312  1 worker  ETA 2 min 05 s`,
  );
});

test("a waiting run says for what", () => {
  expect(statusLine({ ...status, state: "waiting", reason: "0 of 2 workers" })).toBe(
    "round 2/3 training: 0 of 2 workers",
  );
});

test("what is not known yet is left out", () => {
  const early = { ...status, imagesPerSecond: 0, loss: null, etaSeconds: null };
  expect(stripVTControlCharacters(statusLine(early))).toBe(`round 2/3 training ${bar(34, 100)} 34/100  1 worker`);
});

test("throughput is told per active worker", () => {
  expect(throughputText(status)).toBe("round 2/3 training 34/100, 41.2 images/s (a 20.0), loss 0.312, ETA 2 min 05 s");
});

test("the bar is as long as ever, and full at the end", () => {
  expect(new Set([bar(0, 0), bar(0, 7), bar(3, 7), bar(7, 7), bar(9, 7)].map((text) => text.length)).size).toBe(1);
  expect(bar(7, 7)).not.toContain("░");
  expect(bar(0, 7)).not.toContain("█");
});

test("before the first round there is no round to count", () => {
  expect(phaseTitle({ phase: "seeding", round: 0, rounds: 3 })).toBe("seeding");
});
