import { appendFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { RunEventRecord } from "../../shared/net/subjects.js";
import { diskEvents } from "./disk-events.js";
import { LineSplitter } from "./line-splitter.js";

describe("the line splitter", () => {
  test("gives whole lines, whatever pieces they come in", () => {
    const bytes = Buffer.from("zebra – süß\nhorse\n\nrest");
    const splitter = new LineSplitter();
    const lines = Array.from(bytes, (byte) => splitter.push(Uint8Array.of(byte))).flat();
    expect(lines).toEqual(["zebra – süß", "horse"]);
    expect(splitter.push(Buffer.from("\n"))).toEqual(["rest"]);
  });
});

describe("the events of a run's folder", () => {
  let dir = "";
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "seedgrow-watch-"));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  const line = (kind: string) => `${JSON.stringify({ at: "2026-01-01T00:00:00Z", runId: "r", kind })}\n`;
  const log = () => join(dir, "events.jsonl");
  const hold = () => writeFileSync(join(dir, "coordinator.pid"), String(process.pid));
  const release = () => rmSync(join(dir, "coordinator.pid"));

  test("of a run that is over are read, and end", async () => {
    writeFileSync(log(), `${line("a")}torn {"at\n${line("b")}{"at":`);
    expect(await kindsOf(diskEvents(dir, new AbortController().signal))).toEqual(["a", "b"]);
  });

  test("of a running one are followed until its coordinator goes", async () => {
    hold();
    writeFileSync(log(), line("a"));
    const kinds: string[] = [];
    for await (const { kind } of diskEvents(dir, new AbortController().signal)) {
      kinds.push(kind);
      if (kind === "a") appendFileSync(log(), line("b"));
      if (kind !== "b") continue;
      appendFileSync(log(), line("c"));
      release();
    }
    expect(kinds).toEqual(["a", "b", "c"]);
  });

  test("go on in a new file when the old one was full, and begin with the older one", async () => {
    hold();
    writeFileSync(log(), line("a") + line("b"));
    const kinds: string[] = [];
    for await (const { kind } of diskEvents(dir, new AbortController().signal)) {
      kinds.push(kind);
      if (kind !== "b") continue;
      appendFileSync(log(), line("c"));
      renameSync(log(), `${log()}.1`);
      writeFileSync(log(), line("d"));
      release();
    }
    expect(kinds).toEqual(["a", "b", "c", "d"]);
    expect(await kindsOf(diskEvents(dir, new AbortController().signal))).toEqual(["a", "b", "c", "d"]);
  });

  test("are left when the watcher is interrupted", async () => {
    hold();
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 50);
    expect(await kindsOf(diskEvents(dir, controller.signal))).toEqual([]);
  });

  async function kindsOf(events: AsyncIterable<RunEventRecord>): Promise<string[]> {
    const kinds: string[] = [];
    for await (const { kind } of events) kinds.push(kind);
    return kinds;
  }
});
