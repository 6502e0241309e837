import { stripVTControlCharacters } from "node:util";
import { describe, expect, test } from "vitest";
import { type BenchAnswer, engineTable, reportOf } from "./engines.js";

const gradient = Float32Array.of(4, -2, 1);
const good: BenchAnswer = {
  ok: true,
  ...{ version: "tfjs", device: "cpu", reason: "asked for", flops: 8e9, isSame: true, gradient },
  math: ["f32", "bf16"],
  ...{ imagesPerSecond: 5, cpuMsPerImage: 150, rssBytes: 300 * 2 ** 20 },
};
const other: BenchAnswer = { ...good, gradient: Float32Array.of(4.004, -2, 1), imagesPerSecond: 2.5, isSame: false };
const absent: BenchAnswer = { ok: false, code: "ENGINE_MISSING", message: "not installed" };

describe("the report on engines", () => {
  test("compares with the first that works; speed is arithmetic per second", () => {
    const { engines, missing } = reportOf([
      ["tensorflow", good],
      ["wasm", other],
    ]);
    expect(engines.map(({ parity }) => parity)).toEqual([null, expect.closeTo(1e-3, 6)]);
    // A step of 8 images is 8 GFLOP.
    expect(engines.map(({ gflopsPerSecond }) => gflopsPerSecond)).toEqual([5, 2.5]);
    expect(engines.map(({ reproducible }) => reproducible)).toEqual([true, false]);
    expect(missing).toEqual([]);
  });

  test("names what is not here, and compares nothing with it", () => {
    const report = reportOf([
      ["tensorflow", absent],
      ["wasm", good],
    ]);
    expect(report.engines).toMatchObject([{ engine: "wasm", parity: null }]);
    const lines = stripVTControlCharacters(engineTable(report));
    expect(lines).toContain("tensorflow: not here ([ENGINE_MISSING] not installed)");
    expect(lines).toContain("wasm: tfjs; cpu");
    expect(lines).toMatch(/wasm .* 5\.0 .* 150\.0 .* 5\.0 .* - .* yes .* f32, bf16 .* 300 MB/);
  });

  test("a gradient that is not a number differs without limit", () => {
    const broken = { ...good, gradient: Float32Array.of(Number.NaN, -2, 1) };
    const report = reportOf([
      ["tensorflow", good],
      ["wasm", broken],
    ]);
    expect(report.engines[1]?.parity).toBe(Number.POSITIVE_INFINITY);
  });
});
