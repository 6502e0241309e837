import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { scratchMethod } from "../../shared/config/presets.js";
import { resolveConfig } from "../../shared/config/resolve.js";
import { AppError } from "../../shared/errors.js";
import { runConfigSchema } from "../config.js";
import { commandOf, etaSeconds, parseAblation, planCells } from "./plan.js";

const file = {
  seeds: [1, 2],
  backbone: "net",
  datasets: { photos: { data: "p", val: "v", masks: "m", classes: ["cat", "dog"] }, herd: { data: "h" } },
  set: { "method.rounds": 3, method: { cam: { flip: false } } },
  variants: [
    { name: "default" },
    { name: "one", set: { "method.rounds": 1, "method.cam.scales": [1] }, datasets: ["herd"], backbone: "scratch" },
  ],
};
const ablation = parseAblation(file, "a.yaml");
const all = { only: [], seeds: null };

function errorOf(work: () => unknown): AppError {
  try {
    work();
  } catch (error) {
    return AppError.from(error);
  }
  throw new Error("no error");
}

describe("the cells", () => {
  test("are variants on their data sets, seed by seed", () => {
    expect(planCells(ablation, all).map(({ id }) => id)).toEqual([
      "photos.default.seed-1",
      "herd.default.seed-1",
      "herd.one.seed-1",
      "photos.default.seed-2",
      "herd.default.seed-2",
      "herd.one.seed-2",
    ]);
  });

  test("can be chosen by variant and seed", () => {
    expect(planCells(ablation, { only: ["one"], seeds: [7] }).map(({ id }) => id)).toEqual(["herd.one.seed-7"]);
    const error = errorOf(() => planCells(ablation, { only: ["eno"], seeds: null }));
    expect([error.code, error.message, error.hint]).toEqual([
      "USAGE",
      '--only: there is no variant "eno"',
      "The variants are default, one.",
    ]);
  });

  test("have the common settings, replaced by their own", () => {
    const [, common, own] = planCells(ablation, { only: [], seeds: [1] });
    expect(common).toMatchObject({ backbone: "net", sets: ["method.rounds=3", "method.cam.flip=false"] });
    expect(own).toMatchObject({
      backbone: "scratch",
      sets: ["method.rounds=1", "method.cam.flip=false", "method.cam.scales=[1]"],
    });
  });

  test("say how to train them alone", () => {
    const [cell] = planCells(ablation, all);
    expect(commandOf(cell!, ["--local", "2"]).join(" ")).toBe(
      "train --data p --val v --masks m --classes cat,dog --backbone net --seed 1 --set method.rounds=3 --set method.cam.flip=false --local 2",
    );
  });
});

describe("a file", () => {
  test("with mistakes is told all of them", () => {
    const bad = { ...file, variants: [{ name: "a" }, { name: "a", datasets: ["nowhere"] }] };
    expect(errorOf(() => parseAblation(bad, "a.yaml")).message.split("\n")).toEqual([
      "a.yaml has 2 problem(s):",
      '  variants: two are called "a"',
      '  variants.a: there is no data set "nowhere"',
    ]);
    const { code, message } = errorOf(() => parseAblation({ variants: [{ name: "a/b" }], seed: 1 }, "a.yaml"));
    expect(code).toBe("CONFIG_INVALID");
    expect(message).toContain("variants.0.name: letters, digits");
    expect(message).toContain("seed");
  });

  test("without data sets says how to name one", () => {
    const error = errorOf(() => planCells(parseAblation({ variants: [{ name: "a" }] }, "a.yaml"), all));
    expect([error.code, error.hint]).toEqual(["USAGE", expect.stringContaining("--data")]);
  });

  test("of the documentation is valid, key by key, with and without a backbone", () => {
    const url = new URL("../../docs/ablation.yaml", import.meta.url);
    const documented = parseAblation(parse(readFileSync(url, "utf8")), "docs/ablation.yaml");
    const cells = planCells({ ...documented, datasets: { any: { data: "any" } } }, { only: [], seeds: [1] });
    expect(cells.length).toBeGreaterThan(20);
    for (const base of [{}, { method: scratchMethod }]) {
      const plain = JSON.stringify(resolveConfig(runConfigSchema, "NONE", { env: {}, sets: [], base }));
      for (const { sets, variant } of cells) {
        const config = JSON.stringify(resolveConfig(runConfigSchema, "NONE", { env: {}, sets, base }));
        // A variant that is the default under another name would be a row that says nothing.
        if (variant !== "default" && !("method" in base)) expect(config, variant).not.toBe(plain);
      }
    }
  });
});

test("the time left goes by the same variant, else the same data, else anything", () => {
  const cell = (dataset: string, variant: string) => ({ id: "", dataset, variant, seed: 1 });
  const done = [
    { ...cell("a", "x"), seconds: 10 },
    { ...cell("a", "y"), seconds: 30 },
    { ...cell("b", "x"), seconds: 100 },
  ];
  expect(etaSeconds([cell("a", "x")], done)).toBe(10);
  expect(etaSeconds([cell("a", "z"), cell("b", "z")], done)).toBe(20 + 100);
  expect(etaSeconds([cell("c", "x")], done)).toBeCloseTo(140 / 3);
  expect(etaSeconds([cell("a", "x")], [])).toBeNull();
});
