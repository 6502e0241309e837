import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { cpuFacts, gpuNames } from "./device.js";
import { isCudaEngine, loadError, requireDevice } from "./load.js";
import { installUtilShim } from "./shim.js";

test("an addon that is not there is a matter for the setup, one that breaks for the doctor", () => {
  const absent = new Error("native addon module (tfjs_binding.node) can not be found at path: x");
  expect(loadError(absent).code).toBe("ENGINE_MISSING");
  expect(loadError(new Error("libtensorflow_cc.so.2: cannot open shared object file")).code).toBe("ENGINE_MISSING");
  expect(loadError(Object.assign(new Error("x"), { code: "MODULE_NOT_FOUND" })).code).toBe("ENGINE_MISSING");
  const broken = loadError(new Error("undefined symbol: TF_NewStatus"));
  expect(broken).toMatchObject({ code: "ENGINE_FAILED", message: expect.stringContaining("undefined symbol") });
});

test("the device in use must be the device asked for", () => {
  expect(() => requireDevice("gpu", false)).toThrow(/found none that it can use/);
  expect(() => requireDevice("cpu", true)).toThrow(/runs on a GPU/);
  for (const usesGpu of [true, false]) expect(() => requireDevice("auto", usesGpu)).not.toThrow();
});

test("an engine for CUDA is told by the record of the folder that the package is linked to", () => {
  const dir = mkdtempSync(join(tmpdir(), "seedgrow-cuda-"));
  try {
    for (const folder of ["engine/deps", "package/dist"]) mkdirSync(join(dir, folder), { recursive: true });
    symlinkSync(join(dir, "engine/deps"), join(dir, "package/deps"));
    const main = join(dir, "package/dist/index.js");
    expect(isCudaEngine(main)).toBe(false);
    for (const cuda of [true, false]) {
      writeFileSync(join(dir, "engine/engine.json"), JSON.stringify({ cuda }));
      expect(isCudaEngine(main)).toBe(cuda);
    }
  } finally {
    rmSync(dir, { recursive: true });
  }
});

test("the shim supplies the helpers that Node 23 removed", () => {
  const util: Record<string, (value: unknown) => boolean> = {};
  installUtilShim(util);
  expect([null, undefined, 0, ""].map((value) => util.isNullOrUndefined!(value))).toEqual([true, true, false, false]);
  expect(util.isArray!([])).toBe(true);
});

test("the widest vector set of the CPU is named", () => {
  expect(cpuFacts("flags\t\t: fpu sse2 avx avx2 avx512f avx512_bf16\n").vectorSet).toBe("AVX512_BF16");
  expect(cpuFacts("Features\t: fp asimd\n").vectorSet).toBe("ASIMD");
  expect(cpuFacts("").vectorSet).toBe("baseline");
});

test("a machine without an NVIDIA driver has no GPU names", () => {
  expect(gpuNames("/nonexistent")).toEqual([]);
});
