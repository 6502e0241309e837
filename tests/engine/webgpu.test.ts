/**
 * The webgpu engine against TensorFlow (wasm without it), on whatever Vulkan there is: CI has a GPU made of software, SwiftShader, which Debian's
 * Chromium brings along. It shows that results are right, and nothing about speed.
 */
import { execFile } from "node:child_process";
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
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
    readonly replayed: boolean;
    readonly inRoom: boolean;
    readonly bytesLeft: number;
  };
  readonly lost: string;
}

/** What each GPU that is asked for leads to. */
const loadAll = `
const answers = [];
for (const gpu of process.argv.slice(2)) {
  const engine = await loadEngine({ engine: "webgpu", threads: 1, gpu }).catch((error) => ({ device: error.message }));
  answers.push(engine.device);
}
console.log(JSON.stringify(answers));
process.exit();`;

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
}, 900_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("the webgpu engine", () => {
  test("gives what the other engine gives, operation by operation, gradients included", ({ skip }) => {
    if (!report) return skip(reason);
    const wrong = Object.entries(report.differences).filter(([, difference]) => !(Number(difference) < 1e-5));
    expect(wrong).toEqual([]);
    expect(Object.keys(report.differences).length).toBeGreaterThan(60);
  });

  test("makes training steps of both networks with the other engine's gradients, twice with the same bits, and leaks nothing", ({
    skip,
  }) => {
    if (!report) return skip(reason);
    expect(report.steps).toMatchObject({ sameBits: true, leaked: 0, bytesLeft: 0 });
    expect(Math.max(report.steps.classifier, report.steps.segmenter)).toBeLessThan(1e-4);
  });

  test("plays recorded steps and predictions again, on other photos and parameters, with the bits of their operations", ({
    skip,
  }) => {
    if (!report) return skip(reason);
    expect(report.steps.replayed).toBe(true);
  });

  test("puts the gradients of recorded steps into memory that it is given", ({ skip }) => {
    if (!report) return skip(reason);
    expect(report.steps.inRoom).toBe(true);
  });

  test("names the GPU in its fingerprint, and notices when it is lost", ({ skip }) => {
    if (!report) return skip(reason);
    expect(report.device).toMatch(/^gpu: \S+/);
    expect(report.fingerprint).toMatch(/^webgpu; tfjs .*; kernels=own-\d+; \S+/);
    expect(report.lost).toMatch(/the GPU's device is lost \(destroyed\)/);
  });

  test("of several GPUs takes the one that was asked for; one that is not there, or not to be told apart, is an error", async ({
    skip,
  }) => {
    const { VK_DRIVER_FILES: driver, ...env } = softwareGpu(existsSync);
    if (!driver) return skip("SKIPPED: no software GPU to make two of");
    const twin = join(folder, "libtwin.so");
    const { ICD } = JSON.parse(readFileSync(driver, "utf8")) as { ICD: { library_path: string } };
    copyFileSync(join(dirname(driver), ICD.library_path), twin);
    const twinFile = join(folder, "twin.json");
    writeFileSync(twinFile, JSON.stringify({ file_format_version: "1.0.0", ICD: { ...ICD, library_path: twin } }));
    const load = join(folder, "load.mjs");
    const built = new URL("../../dist/worker/engine/load.js", import.meta.url).href;
    writeFileSync(load, `const { loadEngine } = await import(${JSON.stringify(built)}); ${loadAll}`);
    const both = { ...process.env, ...env, VK_DRIVER_FILES: `${driver}:${twinFile}` };
    const { stdout } = await run(process.execPath, [load, "0", "subzero", "1", "radeon"], { env: both });
    const answers = JSON.parse(stdout.trim().split("\n").at(-1)!) as string[];
    const list = "0 SwiftShader Device (Subzero), 1 SwiftShader Device (Subzero)";
    expect(answers.slice(0, 2)).toEqual([expect.stringMatching(/^gpu: /), expect.stringMatching(/^gpu: /)]);
    expect(answers[2]).toBe(`GPU 1 cannot be told from GPU 0 by its name: ${list}`);
    expect(answers[3]).toBe(`there is no GPU "radeon"; there are: ${list}`);
  });
});
