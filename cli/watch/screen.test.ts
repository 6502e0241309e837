import { stripVTControlCharacters } from "node:util";
import stringWidth from "string-width";
import { describe, expect, test } from "vitest";
import type { RunEventRecord, RunStatus } from "../../shared/net/subjects.js";
import { initialControls, pressed } from "./controls.js";
import { emptyModel, type WatchedWorker, type WatchModel, withEnd, withEvent, withStatus } from "./model.js";
import { type ScreenView, screenLines } from "./screen.js";
import { sparkline } from "./sparkline.js";
import { textTable } from "./text-table.js";

let second = 0;
function event(kind: string, fields: object = {}): RunEventRecord {
  second++;
  return { at: new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString(), runId: "fox", kind, ...fields };
}

function worker(workerId: string, fields: Partial<WatchedWorker> = {}): WatchedWorker {
  return {
    ...{ workerId, host: "gpu7", state: "active", imagesPerSecond: 20.5, waitShare: 0.12, engine: "tensorflow 2.21" },
    ...{ device: "gpu: NVIDIA A100", rssBytes: 2.4e9, beatAt: "2026-01-01T00:00:59.000Z" },
    ...fields,
  };
}

const log = [
  event("phase-started", { title: "classifier" }),
  event("worker-joined", { workerId: "w1" }),
  event("step", { step: 0, steps: 4, loss: 1.5 }),
  event("step", { step: 1, steps: 4, loss: null }),
  event("step", { step: 2, steps: 4, loss: 0.5 }),
  event("phase-started", { title: "round 1 training" }),
  event("stage", { name: "cam", labels: { miou: 0.25 }, val: null }),
  event("step", { step: 0, steps: 8, loss: 2 }),
  event("cluster", { imagesPerSecond: 41, etaSeconds: 60, workers: [worker("w1"), worker("w2", { host: "gpu8" })] }),
  event("step", { step: 3, steps: 8, loss: 1 }),
  event("worker-lost", { workerId: "w2", reason: "silent for 10001 ms" }),
];
const told = (events: readonly RunEventRecord[]): WatchModel => events.reduce(withEvent, emptyModel("fox"));

function see(model: WatchModel, view: Partial<ScreenView> = {}): string[] {
  const { scroll, focus, showsHelp } = initialControls;
  const size = { columns: 120, rows: 24, nowMs: Date.UTC(2026, 0, 1, 0, 1, 1) };
  return screenLines(model, { ...size, scroll, focus, showsHelp, replay: null, ...view }).map((line) =>
    stripVTControlCharacters(line),
  );
}

describe("a watcher who comes late", () => {
  test("sees phase, step, rate, curves, workers, and what went wrong with its reason", () => {
    const screen = see(told(log)).join("\n");
    expect(screen).toMatch(/run fox {2}running for 10 s/);
    expect(screen).toMatch(/round 1 training {2}█+░+ 4\/8 {2}41\.0 images\/s {2}ETA 1 min 00 s/);
    expect(screen).toContain("loss  █▁  1.000 (from 2.000)");
    expect(screen).toContain("mIoU  labels ▁ .2500");
    expect(screen).toMatch(/w1 +gpu7 +tensorflow 2\.21 +NVIDIA A100 +20\.5 +12 % +2\.4 GB +\d\d:\d\d:59 +active/);
    expect(screen).toMatch(/w2 +gpu8 .* 0\.0 .* lost/);
    expect(screen).toContain("ANOMALIES 1");
    expect(screen).toContain("worker w2 lost: silent for 10001 ms");
  });

  test("sees how the run ended, and a resumed one going on", () => {
    const ended = [...log, event("run-ended", { state: "failed", reason: "the disk is full" })];
    expect(see(told(ended))[0]).toMatch(/failed for \d+ s: the disk is full/);
    expect(see(withEnd(told(log), { state: "killed", reason: "its coordinator has gone" }))[0]).toContain("killed");
    const resumed = [...ended, event("phase-started", { title: "round 1 training" })];
    expect(see(told(resumed))[0]).toContain("running");
  });
});

test("a live status wins over the log; a beat's age counts from now", () => {
  const status: RunStatus = {
    outer: null,
    ...{ runId: "fox", runDir: "/r", state: "running", reason: "", phase: "round 1 training", round: 1, rounds: 3 },
    ...{ done: 5, total: 8, imagesPerSecond: 50, etaSeconds: 30, loss: 0.9, miou: null },
    ...{ workers: [worker("w1", { imagesPerSecond: 50 })], updatedAt: "2026-01-01T00:01:00.000Z" },
  };
  const screen = see(withStatus(told(log), status)).join("\n");
  expect(screen).toMatch(/round 1\/3 training .* 5\/8 {2}50\.0 images\/s/);
  expect(screen).toMatch(/w1 .* 50\.0 .* 2 s +active/);
  expect(screen).not.toMatch(/^w2/m);
});

describe("a terminal of any size", () => {
  const many = Array.from({ length: 40 }, (_, i) => worker(`worker-${i}-斑馬`, i === 7 ? { state: "away: hung" } : {}));
  const crowd = told([...log, event("cluster", { imagesPerSecond: 1, etaSeconds: null, workers: many })]);

  test.each([
    [120, 40],
    [80, 24],
    [40, 12],
    [20, 6],
    [20, 1],
  ])("%i x %i is filled and never overflows", (columns, rows) => {
    const lines = see(crowd, { columns, rows });
    expect(lines).toHaveLength(rows);
    for (const line of lines) expect(stringWidth(line)).toBeLessThanOrEqual(columns);
  });

  test("shows whoever does not compute first, and how many there are below", () => {
    const lines = see(crowd, { rows: 20 });
    const first = lines.findIndex((line) => line.startsWith("worker ")) + 1;
    expect(lines[first]).toMatch(/^worker-7-.*away: hung$/);
    expect(lines.some((line) => /^\.\.\. \d+ more$/.test(line))).toBe(true);
  });

  test("scrolls to the last worker", () => {
    const scroll = { workers: 39, troubles: 0 };
    expect(see(crowd, { rows: 20, scroll }).join("\n")).toContain("worker-9-");
  });
});

describe("keys", () => {
  const lengths = { workers: 40, troubles: 1 };
  const press = (...keys: string[]) =>
    keys.reduce((held, key) => pressed(held!, key, log, lengths), initialControls as ReturnType<typeof pressed>);

  test("close the view, and no other key does", () => {
    expect(press("q")).toBeNull();
    expect(press("x")).toEqual(initialControls);
    expect(press("?", "q")).toEqual(initialControls);
  });

  test("scroll the chosen list within its ends", () => {
    expect(press("tab", "pagedown", "down", "up")!.scroll).toEqual({ workers: 10, troubles: 0 });
    expect(press("tab", ...Array(9).fill("pagedown"))!.scroll.workers).toBe(39);
    expect(press("up")!.scroll.troubles).toBe(0);
  });

  test("go back to where a phase began, and forth until it is live again", () => {
    const back = press("left")!;
    expect(back.shown).toBe(5);
    const replay = { shown: 5, total: log.length };
    const screen = see(told(log.slice(0, back.shown!)), { replay });
    expect(screen[0]).toContain("replay");
    expect(screen[1]).toContain("classifier");
    expect(screen.at(-1)).toContain(`event 5 of ${log.length}`);
    expect(press("left", "left")!.shown).toBe(5);
    expect(press("left", "right")!.shown).toBeNull();
    expect(press("left", "end")!.shown).toBeNull();
  });
});

test("a sparkline keeps the shape in few columns", () => {
  expect(sparkline([0, 1, 2, 3, 4, 5, 6, 7], 8)).toBe("▁▂▃▄▅▆▇█");
  expect(sparkline([0, 0, 7, 7], 2)).toBe("▁█");
  expect(sparkline([3, 3], 5)).toBe("▁▁");
  expect(sparkline([], 5)).toBe("");
});

test("a table leaves out what matters least, and cuts only then", () => {
  const columns = [
    { title: "a", text: () => "1234" },
    { title: "b", text: () => "5678", dispensable: 2 },
    { title: "c", text: () => "90", dispensable: 1, align: "right" as const },
  ];
  expect(textTable(columns, [0], 14)).toEqual(["a     b      c", "1234  5678  90"]);
  expect(textTable(columns, [0], 13)).toEqual(["a      c", "1234  90"]);
  expect(textTable(columns, [0], 5)).toEqual(["a", "1234"]);
  expect(textTable(columns, [0], 3)).toEqual(["a", "12…"]);
});
