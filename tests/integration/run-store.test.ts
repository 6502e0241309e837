/** A run's folder on a real disk: whole files or none, damage that is noticed, one coordinator at a time. */
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { readJson, writeFileDurably } from "../../coordinator/adapters/files.js";
import { lockRun } from "../../coordinator/adapters/run-lock.js";
import { findRun, listRuns, RunStore } from "../../coordinator/adapters/run-store.js";
import { initialProgress } from "../../coordinator/progress.js";
import { bytesOf, sha256 } from "../../shared/codec/digest.js";
import type { RunRecord } from "../../shared/data/run-record.js";
import { AppError } from "../../shared/errors.js";
import { seedgrowVersion } from "../../shared/version.js";

let root: string;
let store: RunStore;
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), "seedgrow-store-"));
  store = new RunStore(join(root, "run-1"));
  await store.create();
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

async function codeOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => "no error",
    (error: unknown) => AppError.from(error).code,
  );
}

const values = bytesOf(Float32Array.from({ length: 1_000 }, (_, i) => i));
const digest = sha256(values);
const specs = [{ name: "w", shape: [1_000], learningRateScale: 1, weightDecay: true }];

function recordOf(runId: string, createdAt: string): RunRecord {
  const command = ["train"];
  const empty = { finishedAt: null, seconds: 0, weightsSha256: null, workers: [], config: {}, seed: 0 };
  return { runId, createdAt, state: "running", command, seedgrowVersion, ...empty };
}

describe("a checkpoint", () => {
  test("comes back as it was written", async () => {
    await store.writeCheckpoint(digest, values, specs);
    const read = await store.readCheckpoint(digest);
    expect(sha256(read.values)).toBe(digest);
    expect(read.specs).toEqual(specs);
  });

  test.each([
    ["torn", (path: string) => truncateSync(path, 1_234)],
    ["altered in one bit", (path: string) => writeFileSync(path, flip(readFileSync(path), 777))],
    ["emptied", (path: string) => truncateSync(path, 0)],
    ["gone", (path: string) => rmSync(path)],
  ])("that is %s is refused, with its name", async (_, damage) => {
    await store.writeCheckpoint(digest, values, specs);
    damage(store.path("checkpoints", `${digest}.f32`));
    const reading = store.readCheckpoint(digest);
    await expect(reading).rejects.toMatchObject({
      code: "CHECKPOINT_INVALID",
      message: expect.stringContaining(digest),
    });
  });

  test("without its layout, or with one that is none, is refused", async () => {
    await store.writeCheckpoint(digest, values, specs);
    writeFileSync(store.path("checkpoints", `${digest}.json`), '[{ "name": "w" }]');
    expect(await codeOf(store.readCheckpoint(digest))).toBe("CHECKPOINT_INVALID");
    rmSync(store.path("checkpoints", `${digest}.json`));
    expect(await codeOf(store.readCheckpoint(digest))).toBe("CHECKPOINT_INVALID");
  });

  function flip(bytes: Buffer, at: number): Buffer {
    bytes[at] = bytes[at]! ^ 1;
    return bytes;
  }
});

describe("progress", () => {
  test("is null before the first phase is complete, then what was written last", async () => {
    expect(await store.readProgress()).toBeNull();
    await store.writeProgress({ ...initialProgress, phasesDone: 1 });
    await store.writeProgress({ ...initialProgress, phasesDone: 2 });
    expect((await store.readProgress())?.phasesDone).toBe(2);
  });

  test("is no longer written by a coordinator whose run another one has gone on with", async () => {
    const [first, second] = [new RunStore(store.dir), new RunStore(store.dir)];
    await first.claimSitting("first");
    await first.writeProgress({ ...initialProgress, phasesDone: 1 });
    await second.claimSitting("second");
    expect(await codeOf(first.writeProgress({ ...initialProgress, phasesDone: 2 }))).toBe("LEASE_LOST");
    expect((await second.readProgress())?.phasesDone).toBe(1);
    await second.writeProgress({ ...initialProgress, phasesDone: 2 });
    expect((await first.readProgress())?.phasesDone).toBe(2);
  });

  test("that is damaged is passed over for the one before it", async () => {
    await store.writeProgress({ ...initialProgress, phasesDone: 1 });
    writeFileSync(store.path("progress", "progress-0002.json"), '{ "version": 1, "phasesDone": 2');
    expect((await store.readProgress())?.phasesDone).toBe(1);
  });

  test("of which nothing is whole is refused, never taken for a fresh run", async () => {
    await store.writeProgress({ ...initialProgress, phasesDone: 1 });
    writeFileSync(store.path("progress", "progress-0001.json"), '{ "version": 1, "phasesDone": 3');
    expect(await codeOf(store.readProgress())).toBe("CHECKPOINT_INVALID");
  });
});

describe("a file", () => {
  test("is whole or the old one: a failed write leaves neither a half nor a draft", async () => {
    const path = join(root, "file");
    await writeFileDurably(path, "old");
    mkdirSync(join(root, "folder/inside"), { recursive: true });
    expect(await codeOf(writeFileDurably(join(root, "folder"), "a folder cannot be replaced"))).not.toBe("no error");
    expect(readFileSync(path, "utf8")).toBe("old");
    expect(readdirSync(root).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });

  test("written by several at once is one of theirs, whole", async () => {
    const path = join(root, "raced");
    const texts = ["a", "b", "c", "d"].map((letter) => letter.repeat(100_000));
    await Promise.all(texts.map((text) => writeFileDurably(path, text)));
    expect(texts).toContain(readFileSync(path, "utf8"));
  });

  test("that is not JSON is named; one that is not there is null", async () => {
    const schema = { parse: (value: unknown) => value } as never;
    expect(await readJson(join(root, "none.json"), schema)).toBeNull();
    writeFileSync(join(root, "bad.json"), "{");
    await expect(readJson(join(root, "bad.json"), schema)).rejects.toThrow("bad.json is damaged");
  });
});

describe("the ledger of a phase", () => {
  const entry = { outputs: [{ name: "labels" as const, digest: "a".repeat(64) }], images: 3, metrics: "{}" };

  test("comes back shard by shard, without what is damaged, and is gone when the phase is", async () => {
    await store.writeLedger("refine-1", 0, entry);
    await store.writeLedger("refine-1", 11, entry);
    await store.writeLedger("refine-2", 1, entry);
    writeFileSync(store.path("ledger", "refine-1", "shard-002.json"), '{"outputs": [');
    writeFileSync(store.path("ledger", "refine-1", "shard-003.json.1a2b.tmp"), "{}");
    const entries = await store.readLedger("refine-1");
    expect(entries.sort(([a], [b]) => a - b)).toEqual([
      [0, entry],
      [11, entry],
    ]);
    await store.deleteLedger("refine-1");
    expect(await store.readLedger("refine-1")).toEqual([]);
    expect(await store.readLedger("refine-2")).toEqual([[1, entry]]);
  });
});

describe("runs are found", () => {
  beforeEach(async () => {
    for (const [runId, day] of [
      ["20260101-a", 1],
      ["20260102-b", 3],
      ["20260102-c", 2],
    ] as const) {
      const one = new RunStore(join(root, runId));
      await one.create();
      await one.writeRecord(recordOf(runId, `2026-01-0${day}T00:00:00Z`));
    }
  });

  test("newest first; a folder that is no run is passed over", async () => {
    mkdirSync(join(root, "notes"));
    expect((await listRuns(root)).map(({ record }) => record.runId)).toEqual([
      "20260102-b",
      "20260102-c",
      "20260101-a",
    ]);
  });

  test("as latest, by id, by its beginning, by folder; not when two fit or none", async () => {
    const at = (name: string) => join(root, name);
    expect(await findRun(root, "latest")).toBe(at("20260102-b"));
    expect(await findRun(root, "20260101")).toBe(at("20260101-a"));
    expect(await findRun(root, "20260102-c")).toBe(at("20260102-c"));
    expect(await findRun("elsewhere", at("20260101-a"))).toBe(at("20260101-a"));
    await expect(findRun(root, "20260102")).rejects.toThrow('2 runs named "20260102"');
    await expect(findRun(root, "1999")).rejects.toThrow('no run named "1999"');
    expect(await codeOf(findRun(at("nowhere"), "latest"))).toBe("RUN_NOT_FOUND");
  });
});

describe("the lock of a run", () => {
  /** A process that lives until its input ends. */
  async function somebody(): Promise<{ pid: number; end: () => Promise<void> }> {
    const child = spawn(process.execPath, ["-e", "process.stdin.resume()"], { stdio: ["pipe", "ignore", "ignore"] });
    const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    return {
      pid: child.pid!,
      end: () => {
        child.stdin.end();
        return ended;
      },
    };
  }

  test("keeps a second coordinator away, by the first one's process id, until it is given back or its holder dies", async () => {
    const holder = await somebody();
    writeFileSync(store.path("coordinator.pid"), String(holder.pid));
    await expect(lockRun(store.dir)).rejects.toMatchObject({
      code: "RUN_BUSY",
      message: expect.stringContaining(`process ${holder.pid}`),
    });
    await holder.end();
    const unlock = await lockRun(store.dir);
    expect(readFileSync(store.path("coordinator.pid"), "utf8")).toMatch(new RegExp(`^${process.pid} \\d+\\.`));
    await unlock();
    await (await lockRun(store.dir))();
  });

  test("left by an earlier life with our own process id (a container that was restarted) is ours", async () => {
    writeFileSync(store.path("coordinator.pid"), String(process.pid));
    await (await lockRun(store.dir))();
  });

  test("whose holder's process id belongs to another program by now is free", async () => {
    const stranger = await somebody();
    writeFileSync(store.path("coordinator.pid"), `${stranger.pid} 1.earlier-boot`);
    await (await lockRun(store.dir))();
    await stranger.end();
  });

  test("that holds no number was left in the middle of a crash", async () => {
    writeFileSync(store.path("coordinator.pid"), "");
    await (await lockRun(store.dir))();
  });
});
