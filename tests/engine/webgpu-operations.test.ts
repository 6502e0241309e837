/**
 * The webgpu engine's operations against TensorFlow's (wasm's without it), on whatever Vulkan there is: CI has a GPU made of software,
 * SwiftShader, which Debian's Chromium brings along. It shows that results are right, and nothing about speed.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { expect, test } from "vitest";
import { gpuReport } from "../support/gpu-report.js";

/** By operation: relative difference, or what went wrong. */
type Differences = Readonly<Record<string, number | string>>;

/** Of what vitest alone would understand. */
function transpiled(name: string): string {
  const options = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 };
  const source = readFileSync(fileURLToPath(new URL(name, import.meta.url)), "utf8");
  return ts.transpileModule(source, { compilerOptions: options }).outputText;
}

test("gives what the other engine gives, operation by operation, gradients included", { timeout: 900_000 }, async ({
  skip,
}) => {
  const folder = mkdtempSync(join(tmpdir(), "seedgrow-webgpu-"));
  try {
    const operations = join(folder, "operations.mjs");
    writeFileSync(operations, transpiled("operations.ts"));
    const differences = await gpuReport<Differences>("webgpu-operations.mjs", [operations]);
    if (!differences) return skip("SKIPPED: there is no Vulkan here, nothing is proven about webgpu's operations");
    const wrong = Object.entries(differences).filter(([, difference]) => !(Number(difference) < 1e-5));
    expect(wrong).toEqual([]);
    expect(Object.keys(differences).length).toBeGreaterThan(60);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
