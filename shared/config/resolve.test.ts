import { describe, expect, test } from "vitest";
import { z } from "zod";
import { AppError } from "../errors.js";
import { type ConfigLayers, listKeys, mergeInto, resolveConfig } from "./resolve.js";

const schema = z.strictObject({
  seed: z.int().min(0).max(99).default(0).meta({ help: "Seed." }),
  train: z
    .strictObject({
      steps: z.int().min(1).max(50).default(10).meta({ help: "Updates." }),
      cropSize: z.int().multipleOf(32).min(32).max(256).default(64),
      rule: z.enum(["otsu", "fixed"]).default("otsu"),
      scales: z.array(z.number()).default([1]),
      range: z.tuple([z.number(), z.number()]).default([0, 1]),
    })
    .prefault({}),
  name: z.string().default(""),
});

function resolve(layers: Partial<ConfigLayers> = {}) {
  return resolveConfig(schema, "SG", { env: {}, sets: [], ...layers });
}

function problemsOf(layers: Partial<ConfigLayers>): string {
  try {
    resolve(layers);
  } catch (error) {
    expect(error).toBeInstanceOf(AppError);
    expect((error as AppError).code).toBe("CONFIG_INVALID");
    return (error as AppError).message;
  }
  throw new Error("the configuration is valid");
}

describe("layers", () => {
  test("nothing given: the defaults", () => {
    expect(resolve().train).toEqual({ steps: 10, cropSize: 64, rule: "otsu", scales: [1], range: [0, 1] });
  });

  test("preset, file, environment, --set: each overrides the one before, key by key", () => {
    const layers = {
      base: { train: { steps: 1, cropSize: 32 }, name: "preset" },
      file: { name: "config.yaml", content: { train: { steps: 2 }, name: "file" } },
      env: { SG_TRAIN__STEPS: "3" },
      sets: ["train.steps=4"],
    };
    expect(resolve({ base: layers.base })).toMatchObject({ train: { steps: 1, cropSize: 32 }, name: "preset" });
    const { sets: _, ...withoutSets } = layers;
    expect(resolve(withoutSets)).toMatchObject({ train: { steps: 3, cropSize: 32 }, name: "file" });
    expect(resolve(layers).train.steps).toBe(4);
  });

  test("a preset is not changed by what is laid over it", () => {
    const base = { train: { steps: 1 } };
    resolve({ base, sets: ["train.steps=4"] });
    expect(base).toEqual({ train: { steps: 1 } });
  });

  test("the last --set of a key wins; values are JSON, or the text as it is", () => {
    const { train, name } = resolve({ sets: ["train.steps=4", "train.steps=5", "train.scales=[1,2]", "name=a=b c"] });
    expect(train).toMatchObject({ steps: 5, scales: [1, 2] });
    expect(name).toBe("a=b c");
  });

  test("lists are replaced, maps are merged", () => {
    const target = { a: { x: 1, y: [1, 2] }, b: 1 };
    mergeInto(target, { a: { y: [3] }, b: { z: 1 } });
    expect(target).toEqual({ a: { x: 1, y: [3] }, b: { z: 1 } });
  });
});

describe("problems", () => {
  test("are reported all at once, with the range and the default", () => {
    const message = problemsOf({ sets: ["train.steps=51", "train.rule=best", "seed=x", "what"] });
    expect(message).toContain("has 4 problem(s)");
    expect(message).toContain("--set what: expected key=value");
    expect(message).toMatch(/train\.steps = 51: .*\(integer 1\.\.50, default 10\)/);
    expect(message).toMatch(/train\.rule = "best": .*\(one of otsu, fixed, default "otsu"\)/);
    expect(message).toMatch(/seed = "x": /);
  });

  test("an unknown key suggests the right one, by its last part as well", () => {
    expect(problemsOf({ sets: ["train.stepz=3"] })).toContain('unknown key "train.stepz": did you mean "train.steps"?');
    expect(problemsOf({ sets: ["steps=3"] })).toContain('unknown key "steps": did you mean "train.steps"?');
    expect(problemsOf({ sets: ["zzzzzzzzzzzz=3"] })).toMatch(/unknown key "zzzzzzzzzzzz"$/);
  });

  test("a file that is no map is named", () => {
    for (const content of [null, [1], "text"]) {
      expect(problemsOf({ file: { name: "my.yaml", content } })).toBe("my.yaml is not a map of keys to values");
    }
  });

  test("a value where a group belongs", () => {
    expect(problemsOf({ file: { name: "f", content: { train: 3 } } })).toContain("train = 3: ");
  });
});

test("a key names its type, range, default and variable: help and docs are made of these", () => {
  const keys = listKeys(schema, "SG");
  expect(keys.map(({ key, type, env }) => `${key} (${type}) ${env}`)).toEqual([
    "seed (integer 0..99) SG_SEED",
    "train.steps (integer 1..50) SG_TRAIN__STEPS",
    "train.cropSize (integer 32..256, multiple of 32) SG_TRAIN__CROP_SIZE",
    "train.rule (one of otsu, fixed) SG_TRAIN__RULE",
    "train.scales (list of number) SG_TRAIN__SCALES",
    "train.range ([number, number]) SG_TRAIN__RANGE",
    "name (string) SG_NAME",
  ]);
  expect(keys[1]).toMatchObject({ default: 10, help: "Updates." });
});

test("a key from __proto__ pollutes no object", () => {
  problemsOf({ sets: ["__proto__.polluted=1"] });
  expect(({} as Record<string, unknown>).polluted).toBeUndefined();
});
