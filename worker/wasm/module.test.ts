import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { expect, test } from "vitest";
import { WebAssembly } from "../../shared/web-assembly.js";
import { withSharedMemory } from "./module.js";

const path = createRequire(import.meta.url).resolve(
  "@tensorflow/tfjs-backend-wasm/wasm-out/tfjs-backend-wasm-simd.wasm",
);

test("one bit of tfjs's program changes, and it is still a program", () => {
  const original = readFileSync(path);
  const changed = withSharedMemory(readFileSync(path));
  const bits = original.map((byte, at) => byte ^ changed[at]!).filter((bit) => bit !== 0);
  expect([...bits]).toEqual([2]);
  expect(() => new WebAssembly.Module(changed)).not.toThrow();
});

test.each([
  ["has no memory", () => readFileSync(path).subarray(0, 200)],
  ["is shared already", () => withSharedMemory(readFileSync(path))],
  ["is nothing", () => Buffer.alloc(0)],
])("a program that %s is refused", (_, program) => {
  expect(() => withSharedMemory(program())).toThrowError(expect.objectContaining({ code: "ENGINE_FAILED" }));
});
