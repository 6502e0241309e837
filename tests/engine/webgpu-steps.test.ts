/** Training steps on the webgpu engine, recorded and not, against TensorFlow's; which GPU it takes, and that it notices its loss. */
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { gpuReport } from "../support/gpu-report.js";
import { softwareGpu } from "../support/software-gpu.js";

interface Report {
  readonly device: string;
  readonly fingerprint: string;
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

/** Null: no GPU of any kind. */
let report: Report | null = null;
const reason = "SKIPPED: there is no Vulkan here, nothing is proven about webgpu";

beforeAll(async () => {
  report = await gpuReport<Report>("webgpu-steps.mjs");
}, 900_000);

describe("the webgpu engine", () => {
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
    const folder = mkdtempSync(join(tmpdir(), "seedgrow-twin-"));
    try {
      const both = { ...env, VK_DRIVER_FILES: `${driver}:${twinOf(driver, folder)}` };
      const answers = await gpuReport<string[]>("webgpu-devices.mjs", ["0", "subzero", "1", "radeon"], both);
      const list = "0 SwiftShader Device (Subzero), 1 SwiftShader Device (Subzero)";
      const taken = expect.stringMatching(/^gpu: /);
      const untold = `GPU 1 cannot be told from GPU 0 by its name: ${list}`;
      expect(answers).toEqual([taken, taken, untold, `there is no GPU "radeon"; there are: ${list}`]);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

/** A second driver of the same GPU, in this folder: its file. */
function twinOf(driver: string, folder: string): string {
  const twin = join(folder, "libtwin.so");
  const { ICD } = JSON.parse(readFileSync(driver, "utf8")) as { ICD: { library_path: string } };
  copyFileSync(join(dirname(driver), ICD.library_path), twin);
  const twinFile = join(folder, "twin.json");
  writeFileSync(twinFile, JSON.stringify({ file_format_version: "1.0.0", ICD: { ...ICD, library_path: twin } }));
  return twinFile;
}
