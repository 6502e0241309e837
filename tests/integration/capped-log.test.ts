import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { CappedLog } from "../../coordinator/adapters/capped-log.js";

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "seedgrow-log-"));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

test("a log that is full is set aside, and the newest lines are never lost", async () => {
  const path = join(dir, "events.jsonl");
  const log = new CappedLog(path, 30);
  for (let i = 0; i < 7; i++) await log.append(`line ${i} ...\n`);
  expect(readFileSync(path, "utf8")).toBe("line 6 ...\n");
  expect(readFileSync(`${path}.1`, "utf8")).toBe("line 4 ...\nline 5 ...\n");
});

test("goes on where an earlier sitting stopped", async () => {
  const path = join(dir, "again.log");
  await new CappedLog(path, 20).append("0123456789\n");
  await new CappedLog(path, 20).append("0123456789\n");
  expect(readFileSync(`${path}.1`, "utf8")).toBe("0123456789\n");
});
