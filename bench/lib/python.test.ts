import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { lackOf, pythonFor } from "./python.js";

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "seedgrow-python-"));
});
afterAll(() => rmSync(dir, { recursive: true }));

/** A program that can "import" these modules, asked as Python is. */
function pythonWith(...modules: string[]): string {
  const path = join(dir, `has-${modules.join("-")}`);
  const cases = modules.map((name) => `"import ${name}") exit 0 ;;`).join(" ");
  writeFileSync(path, `#!/bin/sh\ncase "$2" in ${cases} esac\nexit 1\n`, { mode: 0o755 });
  return path;
}

function needing(...needs: string[]) {
  return { kind: "python", script: "x", needs, requirements: "requirements-x.txt" } as const;
}

test("a peer runs in the first Python that has all of its packages", () => {
  const pythons = [pythonWith("torch"), pythonWith("torch", "numpy"), pythonWith("tensorflow"), join(dir, "none")];
  expect(pythonFor(pythons, needing("torch", "numpy"))).toBe(pythons[1]);
  expect(pythonFor(pythons, needing("tensorflow"))).toBe(pythons[2]);
  expect(pythonFor(pythons, needing())).toBe(pythons[0]);
  expect(pythonFor(pythons, needing("skimage"))).toBe(null);
});

test("what is missing is said of each of them, with the file that has it", () => {
  const [one, other] = [pythonWith("numpy"), join(dir, "none")];
  const side = { program: needing("torch", "numpy"), work: {} };
  expect(lackOf([one, other], side)).toBe(
    `${one} lacks torch; ${other} lacks torch, numpy (bench/peers/requirements-x.txt)`,
  );
  expect(lackOf([one, pythonWith("torch", "numpy")], side)).toBe(null);
  expect(lackOf([], { program: { kind: "ours", script: "x" }, work: {} })).toBe(null);
});
