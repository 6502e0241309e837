/** PAMR by the webgpu engine's kernels beside that in typed arrays, on SwiftShader where there is no GPU (webgpu.test.ts). */
import { beforeAll, describe, expect, test } from "vitest";
import { gpuReport } from "../support/gpu-report.js";

interface Report {
  /** By case: the largest, of values from 0 to 1, or what is wrong. */
  readonly differences: Readonly<Record<string, number | string>>;
  readonly sameBits: boolean;
  /** By stage: share of equal labels, and the labels there are. */
  readonly results: Readonly<Record<string, { readonly equal: number; readonly ids: readonly number[] }>>;
  readonly calls: number;
  readonly left: { readonly bytes: number; readonly tensors: number };
}

/** Null: no GPU of any kind. */
let report: Report | null = null;
const reason = "SKIPPED: there is no Vulkan here, nothing is proven about PAMR on a GPU";

beforeAll(async () => {
  report = await gpuReport<Report>("webgpu-pamr.mjs");
}, 300_000);

describe("PAMR on a GPU", () => {
  test("gives what typed arrays give: noise, flat and faint photos, one to eight channels, neighbours beyond the borders", ({
    skip,
  }) => {
    if (!report) return skip(reason);
    // Weights in f32 in place of f64, over up to 50 iterations: 9e-6 on SwiftShader.
    const wrong = Object.entries(report.differences).filter(([, difference]) => !(Number(difference) < 5e-5));
    expect(wrong).toEqual([]);
    expect(Object.keys(report.differences)).toHaveLength(11);
  });

  test("gives the same bits again, recorded or not, and leaves nothing behind", ({ skip }) => {
    if (!report) return skip(reason);
    expect(report).toMatchObject({ sameBits: true, left: { bytes: 0, tensors: 0 } });
  });

  test("refines seeds, rounds and predictions, to the labels of typed arrays", ({ skip }) => {
    if (!report) return skip(reason);
    const { seeds, round, prediction } = report.results;
    for (const { equal } of [seeds!, round!, prediction!]) expect(equal).toBeGreaterThan(0.99);
    expect(round!.ids).toEqual([0, 1, 2]);
    expect(prediction!.ids).toEqual([0, 1, 2]);
    // Seeds on the coarse grid, the other two on both.
    expect(report.calls).toBe(5);
  });
});
