import { expect, test } from "vitest";
import type { GpuAdapter } from "./adapters.js";
import { halvesFeatures, halvesNeeded, hoisted, multipliesInHalves, multiplyingIn } from "./halves.js";

const config = { M: 16, N: 16, K: 16, componentType: "f16", resultComponentType: "f32" };
const sizes = { subgroupMinSize: 32, subgroupMaxSize: 32 };

interface Has {
  readonly features?: readonly string[];
  readonly configs?: readonly (typeof config)[];
  readonly sizes?: object;
  readonly storage?: number;
}

function adapterWith(has: Has): GpuAdapter {
  return {
    info: { subgroupMatrixConfigs: has.configs ?? [config], ...sizes, ...has.sizes },
    features: new Set(has.features ?? halvesNeeded),
    limits: { maxComputeWorkgroupStorageSize: has.storage ?? 48 * 1024 },
  } as unknown as GpuAdapter;
}

test("matrix units of the shape that the programs are for", () => {
  const others = [{ ...config, M: 8 }, { ...config, resultComponentType: "f16" }, config];
  expect(halvesFeatures(adapterWith({ configs: others }))).toEqual(halvesNeeded);
});

test.each<[string, Has]>([
  ["units of another shape", { configs: [{ ...config, N: 8 }] }],
  ["sums in float16", { configs: [{ ...config, resultComponentType: "f16" }] }],
  ["units for bytes alone", { configs: [{ ...config, componentType: "u8" }] }],
  ["no units", { configs: [] }],
  ["subgroups of several sizes", { sizes: { subgroupMaxSize: 64 } }],
  ["no float16", { features: halvesNeeded.slice(1) }],
  ["little memory for a group", { storage: 16 * 1024 }],
])("%s: nothing is asked for", (_, has) => {
  expect(halvesFeatures(adapterWith(has))).toEqual([]);
});

test("what Dawn knows nothing of is not there", () => {
  const { subgroupMatrixConfigs, ...info } = adapterWith({}).info;
  expect(subgroupMatrixConfigs).toBeDefined();
  expect(halvesFeatures({ ...adapterWith({}), info })).toEqual([]);
});

test("directives come first, all else stays as it is", () => {
  const code = "var<private> a : i32;\n    enable f16;\n  diagnostic(off, x.y);\nfn enable() {}\n";
  expect(hoisted(code)).toBe("    enable f16;\n  diagnostic(off, x.y);\nvar<private> a : i32;\nfn enable() {}\n");
  expect(hoisted("fn main() {}\n")).toBe("fn main() {}\n");
});

test("float16 is for what is done in it, also where that fails", () => {
  expect(multipliesInHalves()).toBe(false);
  expect(multiplyingIn("f16", multipliesInHalves)).toBe(true);
  expect(multiplyingIn("f16", () => multiplyingIn("f32", multipliesInHalves))).toBe(false);
  expect(() =>
    multiplyingIn("f16", () => {
      throw new Error("out of memory");
    }),
  ).toThrow("out of memory");
  expect(multipliesInHalves()).toBe(false);
});
