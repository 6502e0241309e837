import { expect, test } from "vitest";
import { engineEnv, requestedDevice, requestedEngine, requireEnv } from "./environment.js";

const options = { engine: "auto", threads: 2 } as const;

test("the settings pin the threads and the precision", () => {
  expect(engineEnv(options)).toMatchObject({
    TF_NUM_INTRAOP_THREADS: "2",
    TF_NUM_INTEROP_THREADS: "1",
    TF_FORCE_GPU_ALLOW_GROWTH: "true",
    ONEDNN_DEFAULT_FPMATH_MODE: "STRICT",
  });
});

test.each([0, 1.5, Number.NaN])("%s threads are refused", (threads) => {
  expect(() => engineEnv({ ...options, threads })).toThrow(/whole number >= 1/);
});

test("a missing and a differing variable are both named, with what they are", () => {
  const check = () => requireEnv({ A: "1", B: "2", C: "3" }, { A: "1", B: "7" });
  expect(check).toThrow("B=2 (is 7), C=3 (is unset)");
  expect(() => requireEnv({ A: "1" }, { A: "1", OTHER: "x" })).not.toThrow();
});

test("SEEDGROW_ENGINE names an engine that is none of the simulated kind", () => {
  expect(requestedEngine({})).toBe("auto");
  expect(requestedEngine({ SEEDGROW_ENGINE: "wasm" })).toBe("wasm");
  expect(() => requestedEngine({ SEEDGROW_ENGINE: "simulated" })).toThrow(/use auto, tensorflow, wasm, webgpu/);
});

test("SEEDGROW_DEVICE takes three values", () => {
  expect(requestedDevice({})).toBe("auto");
  expect(requestedDevice({ SEEDGROW_DEVICE: "gpu" })).toBe("gpu");
  expect(() => requestedDevice({ SEEDGROW_DEVICE: "tpu" })).toThrow(/use auto, cpu or gpu/);
});
