/** The import rules catch what they forbid: one violation of each is planted in a small tree. */
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";

const repository = fileURLToPath(new URL("..", import.meta.url));

interface Rule {
  readonly name: string;
  readonly comment: string;
}
const { forbidden } = createRequire(import.meta.url)("../.dependency-cruiser.cjs") as { forbidden: Rule[] };

interface Planted {
  /** File -> what it contains. */
  readonly files: Readonly<Record<string, string>>;
  /** The file that is blamed. */
  readonly culprit: string;
}

const value = "export const value = 1;\n";
const planted: Record<string, Planted> = {
  "no-cycles": {
    files: {
      "worker/jobs/a.ts": 'import { b } from "./b.js";\nexport const a = (): number => b();\n',
      "worker/jobs/b.ts": 'import { a } from "./a.js";\nexport const b = (): number => a();\n',
    },
    culprit: "worker/jobs/a.ts",
  },
  "shared-stands-alone": {
    files: { "shared/net/leak.ts": 'import { value } from "../../worker/value.js";\nexport const x = value;\n' },
    culprit: "shared/net/leak.ts",
  },
  "coordinator-never-meets-worker": {
    files: { "coordinator/spy.ts": 'import type { Value } from "../worker/value.js";\nexport const x: Value = 1;\n' },
    culprit: "coordinator/spy.ts",
  },
  "worker-never-meets-coordinator": {
    files: { "worker/spy.ts": 'import { value } from "../coordinator/value.js";\nexport const x = value;\n' },
    culprit: "worker/spy.ts",
  },
  "nobody-imports-the-cli": {
    files: { "coordinator/print.ts": 'import { value } from "../cli/output.js";\nexport const x = value;\n' },
    culprit: "coordinator/print.ts",
  },
  "coordinator-without-tensorflow": {
    files: { "coordinator/engine.ts": 'export const tf = () => import("@tensorflow/tfjs-node-gpu");\n' },
    culprit: "coordinator/engine.ts",
  },
  "pure-without-node": {
    files: { "worker/core/disk.ts": 'import { readFileSync } from "node:fs";\nexport const x = readFileSync;\n' },
    culprit: "worker/core/disk.ts",
  },
  "pure-without-adapters": {
    files: {
      "coordinator/adapters/store.ts": value,
      "coordinator/core/store.ts": 'import { value } from "../adapters/store.js";\nexport const x = value;\n',
    },
    culprit: "coordinator/core/store.ts",
  },
  "pure-without-transport": {
    files: { "shared/math/remote.ts": 'import { status } from "@grpc/grpc-js";\nexport const x = status;\n' },
    culprit: "shared/math/remote.ts",
  },
  "production-without-tests": {
    files: {
      "tests/support/help.ts": value,
      "cli/helped.ts": 'import { value } from "../tests/support/help.js";\nexport const x = value;\n',
    },
    culprit: "cli/helped.ts",
  },
  "only-tests-use-test-tools": {
    files: { "shared/checked.ts": 'import fc from "fast-check";\nexport const x = fc.integer();\n' },
    culprit: "shared/checked.ts",
  },
  "everything-resolves": {
    files: { "cli/typo.ts": 'import { value } from "./outptu.js";\nexport const x = value;\n' },
    culprit: "cli/typo.ts",
  },
};

/** Imports that are allowed and look close to what is not. */
const clean: Record<string, string> = {
  "cli/output.ts": value,
  "cli/main.ts": 'export * from "../coordinator/value.js";\nexport { value as other } from "../worker/value.js";\n',
  "coordinator/value.ts": 'import { limit } from "../shared/limits.js";\nexport const value = limit;\n',
  "coordinator/core/run.ts": 'import { limit } from "../../shared/limits.js";\nexport const x = limit;\n',
  "coordinator/core/run.test.ts": 'import fc from "fast-check";\nimport "node:fs";\nexport const x = fc.integer();\n',
  "worker/value.ts": "export type Value = number;\nexport const value = 1;\n",
  "worker/jobs/one.ts": 'import type { Two } from "./two.js";\nexport interface One { two: Two }\n',
  "worker/jobs/two.ts": 'import type { One } from "./one.js";\nexport interface Two { one: One }\n',
  "shared/limits.ts": 'import { z } from "zod";\nexport const limit = z.number().parse(1);\n',
};

let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "seedgrow-imports-"));
  for (const name of [".dependency-cruiser.cjs", "tsconfig.json", "package.json"]) {
    cpSync(join(repository, name), join(root, name));
  }
  symlinkSync(join(repository, "node_modules"), join(root, "node_modules"));
  put(clean);
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

function put(files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
}

/** Violations as "rule: file". */
function cruise(): string[] {
  const program = join(repository, "node_modules/dependency-cruiser/bin/dependency-cruise.mjs");
  const args = [program, "--config", ".dependency-cruiser.cjs", "-T", "json", "cli", "coordinator", "worker", "shared"];
  const json = execFileSync(process.execPath, args, { cwd: root, encoding: "utf8", maxBuffer: 64 * 1024 * 1024 });
  const { summary } = JSON.parse(json) as { summary: { violations: { rule: Rule; from: string }[] } };
  return summary.violations.map(({ rule, from }) => `${rule.name}: ${from}`);
}

test("a clean tree passes, with cycles of types and tests that use Node", () => {
  expect(cruise()).toEqual([]);
});

test("one planted violation of every rule is caught", () => {
  for (const { files } of Object.values(planted)) put(files);
  const caught = cruise();
  for (const [rule, { culprit }] of Object.entries(planted)) expect(caught).toContain(`${rule}: ${culprit}`);
});

test("every rule is planted here, and says what to do instead", () => {
  expect(forbidden.map(({ name }) => name).sort()).toEqual(Object.keys(planted).sort());
  for (const { name, comment } of forbidden) expect(comment, name).toContain("Instead: ");
});
