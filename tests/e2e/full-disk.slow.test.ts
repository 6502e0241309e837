/** Disks without room, through the real command line: a run waits for room, or says why there cannot be one. */
import { execFileSync } from "node:child_process";
import { closeSync, mkdirSync, openSync, readdirSync, rmSync, writeSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { exitCodes } from "../../shared/errors.js";
import { fewest, settings, Workplace } from "../support/seedgrow.js";
import { until } from "../support/until.js";

let place: Workplace;
beforeAll(async () => {
  place = new Workplace();
  await place.draw(8, 0);
});
afterAll(() => place.clear());

describe("a disk", () => {
  /** A disk of its own, given to `use`; false where none can be mounted. */
  async function withDisk(size: string, use: (disk: string) => Promise<void>): Promise<boolean> {
    const disk = place.path(`disk-${size}`);
    mkdirSync(disk);
    try {
      execFileSync("mount", ["-t", "tmpfs", "-o", `size=${size}`, "tmpfs", disk], { stdio: "pipe" });
    } catch {
      return false;
    }
    try {
      await use(disk);
    } finally {
      execFileSync("umount", ["--lazy", disk]);
    }
    return true;
  }
  const skipped = "SKIPPED: a small disk can be mounted by root only, nothing is proven about full disks";
  /** Nothing is computed: what is written is the same. */
  const trainOn = (disk: string, overrides: Parameters<typeof settings>[0]) => {
    const data = ["--data", place.path("data/train"), "--local", "1", "--out", disk];
    const simulated = { SEEDGROW_WORKER_ENGINE: "simulated", SEEDGROW_WORKER_SIMULATED_IMAGE_MS: "2" };
    return place.start(["train", ...data, ...settings(overrides)], simulated);
  };

  test("that fills up in mid-run pauses it, says so, and training goes on when there is room", async ({ skip }) => {
    const mounted = await withDisk("150m", async (disk) => {
      // No checkpoint inside the phase: the watch sees the disk before anything has to be written.
      const run = trainOn(disk, { ...fewest, "method.classifier.steps": 100, "cluster.checkpointSteps": 1000 });
      await until("the worker to join", () => run.stderr.includes(" joined"));
      fillDisk(`${disk}/filler`);
      await until("the pause", () => run.stderr.includes("waiting for disk space"));
      rmSync(`${disk}/filler`);
      await run.ends(0);
      const files = readdirSync(disk, { recursive: true, encoding: "utf8" });
      expect(files.filter((name) => name.endsWith(".tmp"))).toEqual([]);
    });
    if (!mounted) skip(skipped);
  });

  test("without room for the broker's log cannot hold a run", async ({ skip }) => {
    const mounted = await withDisk("1m", async (disk) => {
      const run = await trainOn(disk, fewest).ends(exitCodes.environment);
      expect(run.stderr).toContain("[DISK_FULL]");
      expect(run.stderr).toContain("next: Free ");
    });
    if (!mounted) skip(skipped);
  });

  /** Takes every free byte. */
  function fillDisk(path: string): void {
    const file = openSync(path, "w");
    try {
      for (let bytes = 1 << 20; bytes >= 1; bytes >>= 1) fillWith(file, Buffer.alloc(bytes));
    } finally {
      closeSync(file);
    }
  }

  function fillWith(file: number, bytes: Buffer): void {
    try {
      while (writeSync(file, bytes) === bytes.length);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
    }
  }
});
