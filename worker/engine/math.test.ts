import { expect, test } from "vitest";
import { availableMath, requireMath } from "./math.js";

const compile = async () => ({ run: () => null as never, dispose: () => undefined });
const cpu = { vectorSet: "AMX_BF16" };

test("float32 is had everywhere", async () => {
  await expect(requireMath("f32", { name: "wasm" }, { vectorSet: "baseline" })).resolves.toBeUndefined();
});

test.each(["AMX_BF16", "AVX512_BF16"])("bfloat16 by TensorFlow on a processor with %s", async (vectorSet) => {
  await expect(requireMath("bf16", { name: "tensorflow", compile }, { vectorSet })).resolves.toBeUndefined();
});

test("float16 by a GPU whose products are proven", async () => {
  const lackOfHalves = async () => null;
  await expect(requireMath("f16", { name: "webgpu", compile, lackOfHalves }, cpu)).resolves.toBeUndefined();
});

test.each([
  ["bf16", { name: "wasm" }, cpu, "the wasm engine here has no bfloat16"],
  ["bf16", { name: "webgpu", compile }, cpu, "the webgpu engine here has no bfloat16"],
  ["bf16", { name: "tensorflow", compile: null }, cpu, "the tensorflow engine here has no bfloat16"],
  [
    "bf16",
    { name: "tensorflow", compile },
    { vectorSet: "AVX2" },
    "this processor (AVX2) has no bfloat16 instructions",
  ],
  ["f16", { name: "tensorflow", compile }, cpu, "the tensorflow engine has no float16"],
  ["f16", { name: "webgpu", compile, lackOfHalves: async () => "not here" }, cpu, "not here"],
] as const)("%s is refused by %j on %j", async (math, engine, facts, why) => {
  await expect(requireMath(math, engine, facts)).rejects.toThrow(
    expect.objectContaining({ code: "MATH_UNSUPPORTED", message: `method.math = "${math}": ${why}` }),
  );
});

test("what an engine has is what is not refused", async () => {
  expect(await availableMath({ name: "wasm" })).toEqual(["f32"]);
  expect(await availableMath({ name: "webgpu", compile, lackOfHalves: async () => null })).toEqual(["f32", "f16"]);
  expect(await availableMath({ name: "webgpu", compile, lackOfHalves: async () => "no" })).toEqual(["f32"]);
});
