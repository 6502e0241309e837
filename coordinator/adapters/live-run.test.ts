import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { announceLive, isHeld, readLive } from "./live-run.js";
import { lockRun } from "./run-lock.js";

/** Above the largest process id that Linux gives. */
const deadPid = 2 ** 22 + 1;

const place = { natsUrl: "nats://127.0.0.1:1", certs: "", isInsecure: false };

describe("a running run", () => {
  let dir = "";
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "seedgrow-live-"));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  test("says where its bus is for as long as it is connected", async () => {
    const takeBack = await announceLive(dir, place);
    expect(await readLive(dir)).toMatchObject({ natsUrl: "nats://127.0.0.1:1", pid: process.pid });
    await takeBack();
    expect(await readLive(dir)).toBeNull();
  });

  test("is held from lock to unlock, on the bus or not", async () => {
    const unlock = await lockRun(dir);
    expect(await isHeld(dir)).toBe(true);
    await unlock();
    expect(await isHeld(dir)).toBe(false);
  });

  test("that was killed is neither held nor live, though its files are there", async () => {
    await announceLive(dir, place);
    const live = (await readLive(dir))!;
    writeFileSync(join(dir, "live.json"), JSON.stringify({ ...live, process: String(deadPid) }));
    writeFileSync(join(dir, "coordinator.pid"), String(deadPid));
    expect(await readLive(dir)).toBeNull();
    expect(await isHeld(dir)).toBe(false);
  });

  test("whose process id now belongs to another program is neither", async () => {
    await announceLive(dir, place);
    const live = (await readLive(dir))!;
    const earlier = `${process.pid} 1.earlier-boot`;
    writeFileSync(join(dir, "live.json"), JSON.stringify({ ...live, process: earlier }));
    writeFileSync(join(dir, "coordinator.pid"), earlier);
    expect(await readLive(dir)).toBeNull();
    expect(await isHeld(dir)).toBe(false);
  });

  test("on another host counts as live: its process ids mean nothing here", async () => {
    writeFileSync(
      join(dir, "live.json"),
      JSON.stringify({ natsUrl: "nats://x:1", pid: deadPid, process: String(deadPid), host: "elsewhere" }),
    );
    expect(await isHeld(dir)).toBe(true);
  });

  test("with a damaged file is not live", async () => {
    writeFileSync(join(dir, "live.json"), "{");
    expect(await readLive(dir)).toBeNull();
  });
});
