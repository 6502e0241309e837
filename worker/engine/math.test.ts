import { expect, test } from "vitest";
import { requireMath } from "./math.js";

const compile = async () => ({ run: () => null as never, dispose: () => undefined });
const cpu = { vectorSet: "AMX_BF16" };

test("float32 is had everywhere", () => {
  expect(() => requireMath("f32", { name: "wasm" }, { vectorSet: "baseline" })).not.toThrow();
});

test("bfloat16 by TensorFlow on a processor that has it", () => {
  expect(() => requireMath("bf16", { name: "tensorflow", compile }, cpu)).not.toThrow();
  expect(() => requireMath("bf16", { name: "tensorflow", compile }, { vectorSet: "AVX512_BF16" })).not.toThrow();
});

test.each([
  [{ name: "wasm" }, cpu, "the wasm engine here has float32 only"],
  [{ name: "webgpu", compile }, cpu, "the webgpu engine here has float32 only"],
  [{ name: "tensorflow", compile: null }, cpu, "the tensorflow engine here has float32 only"],
  [{ name: "tensorflow", compile }, { vectorSet: "AVX2" }, "this processor (AVX2) has no bfloat16 instructions"],
] as const)("and is refused by %j on %j", (engine, facts, why) => {
  expect(() => requireMath("bf16", engine, facts)).toThrow(
    expect.objectContaining({ code: "MATH_UNSUPPORTED", message: `method.math = "bf16": ${why}` }),
  );
});
