/**
 * The webgpu engine against wasm, on whatever Vulkan there is: CI has a GPU made of software, SwiftShader, which Debian's
 * Chromium brings along. It shows that results are right, and nothing about speed.
 */
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import ts from "typescript";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { softwareGpu } from "../support/software-gpu.js";

const run = promisify(execFile);
const pathOf = (name: string) => fileURLToPath(new URL(name, import.meta.url));

interface Report {
  readonly device: string;
  readonly fingerprint: string;
  /** By operation: relative difference, or what went wrong. */
  readonly differences: Readonly<Record<string, number | string>>;
  readonly steps: {
    readonly classifier: number;
    readonly segmenter: number;
    readonly sameBits: boolean;
    readonly leaked: number;
  };
  readonly lost: string;
}

let folder: string;
/** Null: no GPU of any kind, and why. */
let report: Report | null = null;
let reason = "";

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "seedgrow-webgpu-"));
  const operations = join(folder, "operations.mjs");
  const options = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 };
  const source = readFileSync(pathOf("operations.ts"), "utf8");
  writeFileSync(operations, ts.transpileModule(source, { compilerOptions: options }).outputText);
  const env = { ...process.env, ...softwareGpu(existsSync) };
  try {
    const { stdout } = await run(process.execPath, [pathOf("webgpu-parity.mjs"), operations], { env });
    report = JSON.parse(stdout.trim().split("\n").at(-1)!) as Report;
  } catch (error) {
    const { message, stderr = "" } = error as Error & { stderr?: string };
    if (!stderr.includes("ENGINE_MISSING")) throw error;
    reason = `SKIPPED: there is no Vulkan here, nothing is proven about webgpu (${message.split("\n")[0]})`;
  }
}, 240_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("the webgpu engine", () => {
  test("gives what wasm gives, operation by operation, gradients included", ({ skip }) => {
    if (!report) return skip(reason);
    const wrong = Object.entries(report.differences).filter(([, difference]) => !(Number(difference) < 1e-5));
    expect(wrong).toEqual([]);
    expect(Object.keys(report.differences).length).toBeGreaterThan(60);
  });

  test("makes a training step of both networks with wasm's gradients, twice with the same bits, and leaks nothing", ({
    skip,
  }) => {
    if (!report) return skip(reason);
    expect(report.steps).toMatchObject({ sameBits: true, leaked: 0 });
    expect(Math.max(report.steps.classifier, report.steps.segmenter)).toBeLessThan(1e-4);
  });

  test("names the GPU in its fingerprint, and notices when it is lost", ({ skip }) => {
    if (!report) return skip(reason);
    expect(report.device).toMatch(/^gpu: \S+/);
    expect(report.fingerprint).toMatch(/^webgpu; tfjs .*; \S+/);
    expect(report.lost).toMatch(/the GPU's device is lost \(destroyed\)/);
  });
});
