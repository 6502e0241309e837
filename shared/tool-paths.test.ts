import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { cacheDir, findNatsServer } from "./tool-paths.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "seedgrow-tools-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function program(path: string, mode = 0o755): string {
  const full = join(folder, path);
  mkdirSync(dirname(full), { recursive: true });
  writeFileSync(full, "#!/bin/sh\n");
  chmodSync(full, mode);
  return full;
}

test("the cache follows XDG_CACHE_HOME, unless that is relative", () => {
  expect(cacheDir({ XDG_CACHE_HOME: "/var/cache/me" })).toBe("/var/cache/me/seedgrow");
  expect(cacheDir({ XDG_CACHE_HOME: "cache", HOME: "/home/me" })).toBe("/home/me/.cache/seedgrow");
});

test("nats-server: the named one, before the PATH, before the cache", () => {
  const named = program("named/my-nats");
  const onPath = program("bin/nats-server");
  const cached = program("seedgrow/nats/nats-server");
  const env = { XDG_CACHE_HOME: folder, PATH: `${join(folder, "empty")}:${dirname(onPath)}` };
  expect(findNatsServer({ ...env, SEEDGROW_NATS_SERVER: named })).toBe(named);
  expect(findNatsServer(env)).toBe(onPath);
  rmSync(onPath);
  expect([cached, "/usr/sbin/nats-server"]).toContain(findNatsServer(env));
});

test("a named nats-server that cannot be executed is not replaced by another", () => {
  const path = program("bin/nats-server");
  const env = { PATH: dirname(path), SEEDGROW_NATS_SERVER: program("named/text-file", 0o644) };
  expect(findNatsServer(env)).toBeNull();
});
