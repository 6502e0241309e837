import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { decodeMapPack } from "../../shared/codec/map-pack.js";
import { constraintCatalogueSchema, constraintsOf } from "../../shared/data/constraints.js";
import { noCorrection } from "../../shared/data/corrections.js";
import type { Manifest } from "../../shared/data/manifest.js";
import { fakeSide, put, putFakeRun } from "../../tests/support/fake-run.js";
import { CorrectionsStore, type RoundFiles } from "./corrections-store.js";

let dir = "";
let run = "";
let store: CorrectionsStore;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "corrections-"));
  await putFakeRun(dir, 3);
  run = join(dir, "runs", "fox");
  store = new CorrectionsStore(run, JSON.parse(await readFile(join(run, "manifest.json"), "utf8")) as Manifest);
});
afterEach(() => rm(dir, { recursive: true }));

const stroke = { class: "horse", radius: 0.1, points: [[0.5, 0.5]] } as const;

function bound({ catalogue, pack }: RoundFiles) {
  const parsed = constraintCatalogueSchema.parse(JSON.parse(Buffer.from(catalogue).toString()));
  return constraintsOf(parsed, decodeMapPack(pack));
}

describe("the file of corrections", () => {
  test("keeps a photo's last correction, and forgets an empty one", async () => {
    await store.write(0, { ...noCorrection, tags: ["<zebra>"] });
    await store.write(1, { ...noCorrection, verdict: "good", version: 1 });
    await store.write(0, { ...noCorrection, strokes: [stroke] });
    expect(Object.keys((await store.read()).photos).sort()).toEqual(["0.jpg", "1.jpg"]);
    expect((await store.read()).photos["0.jpg"]).toMatchObject({ tags: null, strokes: [stroke] });
    await store.write(0, noCorrection);
    expect(Object.keys((await store.read()).photos)).toEqual(["1.jpg"]);
  });

  test("loses none of many that come at once", async () => {
    await Promise.all([0, 1, 2].map((image) => store.write(image, { ...noCorrection, tags: [] })));
    expect(Object.keys((await store.read()).photos)).toHaveLength(3);
  });

  test("takes nothing that does not fit the run, and says what", async () => {
    const attempts: [number, unknown, string][] = [
      [9, noCorrection, "the run has no training photo 9"],
      [0, { ...noCorrection, tags: ["cow"] }, '0.jpg: the run has no class "cow"'],
      [0, { ...noCorrection, verdict: "good" }, "0.jpg: a verdict and its version come together"],
      [0, { ...noCorrection, strokes: [{ ...stroke, points: [[2, 0]] }] }, "strokes.0.points.0.0"],
      [0, "nonsense", "expected object"],
    ];
    for (const [image, value, words] of attempts) await expect(store.write(image, value)).rejects.toThrow(words);
    expect((await store.read()).photos).toEqual({});
  });

  test("that somebody has broken is refused by name", async () => {
    await put(join(run, "corrections.json"), '{"version":1,"photos":{"7.jpg":{}}}');
    await expect(store.read()).rejects.toMatchObject({ code: "CORRECTIONS_INVALID" });
    await put(join(run, "corrections.json"), "{");
    await expect(store.takeRound(1, fakeSide)).rejects.toMatchObject({ code: "CORRECTIONS_INVALID" });
  });
});

describe("a round", () => {
  test("takes what is corrected when it begins, and keeps it whatever is corrected later", async () => {
    expect(await store.takeRound(1, fakeSide)).toBeNull();
    await store.write(1, { ...noCorrection, verdict: "good", version: 1, tags: ["<zebra>", "horse"] });
    await store.write(2, { ...noCorrection, verdict: "bad", version: 1, strokes: [stroke] });
    const taken = await store.takeRound(2, fakeSide);
    expect(taken!.counts).toEqual({ photos: 2, good: 1, bad: 1, retagged: 1, strokes: 1 });
    const constraints = bound(taken!.files);
    expect(constraints.get(0)).toBeUndefined();
    expect(constraints.get(1)).toMatchObject({ tags: [1, 2], isRejected: false });
    // v1 of image 1 has class 1 in every second pixel (fake-run.ts): all pixels are fixed as they are there.
    expect([...constraints.get(1)!.fixed!.slice(0, 8)]).toEqual([1, 1, 1, 0, 1, 1, 1, 0]);
    expect(constraints.get(2)).toMatchObject({ tags: null, isRejected: true });
    const painted = constraints.get(2)!.fixed!;
    expect(painted.filter((_, i) => i % 2 === 0).reduce((sum, one) => sum + one)).toBeGreaterThan(0);
    await store.write(1, noCorrection);
    expect((await store.takeRound(2, fakeSide))!.files).toEqual(taken!.files);
    expect(bound((await store.takeRound(3, fakeSide))!.files).has(1)).toBe(false);
  });

  test("whose files are damaged does not go on with something else", async () => {
    await store.write(0, { ...noCorrection, strokes: [stroke] });
    await store.takeRound(1, fakeSide);
    await put(join(run, "corrections", "round-001.pack"), "torn");
    await expect(store.readRound(1)).rejects.toMatchObject({ code: "CHECKPOINT_INVALID" });
  });
});
