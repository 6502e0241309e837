/** Compiles worker/engine for child processes: they test real threads and other Nodes, where vitest's loader is absent. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Returns the folder; it lies in node_modules so that the compiled files find tfjs, and the caller removes it. */
export function compileEngine(): string {
  const parent = join(root, "node_modules/.cache");
  mkdirSync(parent, { recursive: true });
  const folder = mkdtempSync(join(parent, "seedgrow-engine-test-"));
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  const engineFiles = readdirSync(join(root, "worker/engine")).filter((name) => !name.endsWith(".test.ts"));
  for (const path of [
    "shared/assert.ts",
    "shared/errors.ts",
    "shared/engine-name.ts",
    ...engineFiles.map((name) => `worker/engine/${name}`),
  ]) {
    compileFile(path, folder);
  }
  return folder;
}

function compileFile(path: string, folder: string): void {
  const compilerOptions = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 };
  const { outputText } = ts.transpileModule(readFileSync(join(root, path), "utf8"), { compilerOptions });
  mkdirSync(join(folder, dirname(path)), { recursive: true });
  writeFileSync(join(folder, dirname(path), `${basename(path, ".ts")}.js`), outputText);
}
