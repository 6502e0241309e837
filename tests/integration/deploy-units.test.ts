/** What deploy/ holds for other programs is what those programs take. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { listKeys } from "../../shared/config/resolve.js";
import { exitCodes } from "../../shared/errors.js";
import { workerConfigSchema, workerEnvPrefix } from "../../worker/config.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const unitPath = join(root, "deploy/systemd/seedgrow-worker@.service");
const unit = readFileSync(unitPath, "utf8");

test("the unit names variables that a worker reads", () => {
  const known = listKeys(workerConfigSchema, workerEnvPrefix).map(({ env }) => env);
  const named = [...new Set(unit.match(/SEEDGROW_\w+/g))];
  expect(named.length).toBeGreaterThan(4);
  expect(named.filter((name) => !known.includes(name))).toEqual([]);
});

test("the unit does not try again what a wrong setting has ended", () => {
  expect(unit).toContain(`\nRestartPreventExitStatus=${exitCodes.usage}\n`);
});

const hasSystemd = spawnSync("systemd-analyze", ["--version"]).status === 0;

test.skipIf(!hasSystemd)("systemd finds nothing wrong with the unit (skipped without systemd-analyze)", () => {
  const dir = mkdtempSync(join(tmpdir(), "seedgrow-unit-"));
  try {
    const copy = join(dir, "seedgrow-worker@.service");
    writeFileSync(copy, unit.replaceAll("/opt/seedgrow/", root));
    const { status, stdout, stderr } = spawnSync("systemd-analyze", ["verify", copy], { encoding: "utf8" });
    // Of other units of this machine it may say what it likes.
    const said = `${stdout}${stderr}`.split("\n").filter((line) => line.includes("seedgrow"));
    expect([status, said]).toEqual([0, []]);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});
