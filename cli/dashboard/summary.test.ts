import { expect, test } from "vitest";
import { timelineOf } from "../../coordinator/report/timeline.js";
import type { RunEventRecord } from "../../shared/net/subjects.js";
import { BytesCache } from "./cache.js";
import { workersOf } from "./workers.js";

const at = (second: number, kind: string, fields: object = {}): RunEventRecord => {
  return { at: `2026-08-04T11:20:0${second}.000Z`, runId: "fox", kind, ...fields };
};
const log = [
  at(0, "phase-started", { title: "classifier" }),
  at(1, "worker-joined", { workerId: "a" }),
  at(1, "worker-joined", { workerId: "b" }),
  at(2, "worker-lost", { workerId: "b", reason: "silent for 10 s" }),
  at(3, "phase-done"),
  at(3, "phase-started", { title: "seeding" }),
];

test("phases have a beginning and an end; the last is open while it goes on", () => {
  const { phases } = timelineOf(log);
  expect(phases.map(({ title, to }) => [title, to])).toEqual([
    ["classifier", "2026-08-04T11:20:03.000Z"],
    ["seeding", null],
  ]);
});

test("what went wrong is told with its reason, and apart from what is usual", () => {
  const { marks } = timelineOf([...log, at(4, "run-ended", { state: "failed", reason: "the disk is full" })]);
  expect(marks.filter(({ isTrouble }) => isTrouble).map(({ text }) => text)).toEqual([
    "worker b lost: silent for 10 s",
    "failed: the disk is full",
  ]);
  expect(timelineOf([at(1, "run-ended", { state: "done", reason: "all" })]).marks[0]!.isTrouble).toBe(false);
});

test("a worker's state is the last that is known: from the log, or from the coordinator while it answers", () => {
  const record = { workers: [{ id: "a", host: "atlas", engine: "tensorflow" }] };
  expect(workersOf(record, log, null).map(({ id, host, state }) => [id, host, state])).toEqual([
    ["a", "atlas", "joined"],
    ["b", "", "lost"],
  ]);
  const live = {
    workerId: "b",
    host: "boreas",
    state: "working",
    imagesPerSecond: 3,
    waitShare: 0.1,
    engine: "tf",
    device: "gpu: NVIDIA A100",
    rssBytes: 3e9,
    beatAt: "2026-01-01T00:00:05.000Z",
  };
  const status = { workers: [live] } as unknown as Parameters<typeof workersOf>[2];
  expect(workersOf(record, log, status)[1]).toMatchObject({
    id: "b",
    host: "boreas",
    state: "working",
    imagesPerSecond: 3,
    gpu: "NVIDIA A100",
    rssBytes: 3e9,
  });
  const cluster = at(5, "cluster", { workers: [live] });
  expect(workersOf(record, [...log, cluster], null)[1]).toMatchObject({ gpu: "NVIDIA A100", rssBytes: 3e9 });
  expect(workersOf(record, [...log, at(5, "run-ended")], null)[0]!.state).toBe("left");
});

test("the cache shares a computation, forgets the least used first, and no failure", async () => {
  const made: string[] = [];
  const cache = new BytesCache<string>(4, (value) => value.length);
  const get = (key: string) => cache.get(key, async () => `${made.push(key) && key}${key}`);
  await Promise.all([get("a"), get("a"), get("b")]);
  expect(made).toEqual(["a", "b"]);
  await get("a");
  await get("c");
  await get("a");
  await get("b");
  expect(made).toEqual(["a", "b", "c", "b"]);
  await expect(cache.get("x", () => Promise.reject(new Error("no")))).rejects.toThrow("no");
  expect(await cache.get("x", async () => "ok")).toBe("ok");
});
