import { beforeAll, describe, expect, test } from "vitest";
import { initialValues, type ParamDef, ParamStore, sizeOf } from "../params.js";
import { numericError, plainTf } from "../testing.js";
import type { Tensor, Tensor4D, Tf } from "../tf.js";
import { scratchBackbone } from "./scratch.js";

let tf: Tf;
beforeAll(async () => {
  tf = await plainTf();
});

const widths: [number, number, number, number] = [8, 8, 16, 16];
const all = { rate: 1, fromStride: 4 };

/** Far from ReLU's kink, where central differences mean nothing: large shifts, and shortcuts that take nothing away. */
function smoothStart(def: ParamDef): Float32Array {
  const start = initialValues([def], ["test"], new Map());
  if (def.name.endsWith("/shift")) return start.fill(6);
  return def.name.includes("/shortcut/") ? start.map((value) => Math.abs(value) * 0.1) : start;
}

describe.each(["resnet", "mobilenet"] as const)("the built-in %s", (kind) => {
  test("has taps at strides 4, 8, 16 and 32, never negative", () => {
    const backbone = scratchBackbone(tf, { kind, widths }, all);
    const store = new ParamStore(tf, backbone.defs);
    store.load(initialValues(backbone.defs, ["test"], new Map()));
    const taps = backbone.taps(tf.randomUniform([2, 64, 32, 3], -1, 1, "float32", 1), store.get);
    expect(taps.map(({ shape }) => shape)).toEqual([
      [2, 16, 8, 8],
      [2, 8, 4, 8],
      [2, 4, 2, 16],
      [2, 2, 1, 16],
    ]);
    for (const tap of taps) expect(tap.min().dataSync()[0]).toBeGreaterThanOrEqual(0);
  });

  test("has the gradient of its formula", () => {
    const backbone = scratchBackbone(tf, { kind, widths }, all);
    const values = new Map<string, Tensor>();
    for (const def of backbone.defs) values.set(def.name, tf.tensor(smoothStart(def), def.shape as number[]));
    const x = tf.randomUniform([1, 32, 32, 3], -1, 1, "float32", 2) as Tensor4D;
    const weights = [8, 4, 2, 1].map((side, i) => tf.randomNormal([1, side, side, widths[i]!], 0, 0.1, "float32", i));
    const of = (kind === "mobilenet" ? "stage2/a/depthwise" : "stage2/shortcut") as string;
    const names = [
      `backbone/${of}/kernel`,
      kind === "mobilenet" ? "backbone/stage1/b/pointwise/scale" : "backbone/stage1/b/scale",
    ];
    const f = (...inputs: Tensor[]) => {
      const params = (name: string) => inputs[names.indexOf(name)] ?? values.get(name)!;
      return tf.addN(backbone.taps(x, params).map((tap, i) => tap.mul(weights[i]!).sum()));
    };
    const inputs = names.map((name) => values.get(name)!);
    expect(numericError(tf, f, inputs)).toBeLessThan(0.03);
  });

  test("partly frozen: what leads to finer taps has no learning rate", () => {
    const { defs, frozen } = scratchBackbone(tf, { kind, widths }, { rate: 0.3, fromStride: 16 });
    const rates = (part: string) =>
      new Set(defs.filter(({ name }) => name.includes(part)).map((def) => def.learningRateScale));
    expect(["stem", "stage1", "stage2", "stage3", "stage4"].map((part) => [...rates(part)])).toEqual([
      [0],
      [0],
      [0],
      [0.3],
      [0.3],
    ]);
    expect(frozen).toBe(false);
  });
});

test("the mobilenet has an eighth of the resnet's parameters", () => {
  const count = (kind: "resnet" | "mobilenet") => {
    const { defs } = scratchBackbone(tf, { kind, widths: [24, 48, 96, 128] }, all);
    return defs.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  };
  expect([count("resnet"), count("mobilenet")]).toEqual([442_288, 53_840]);
});
