import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { writeMaskPng } from "../../shared/data/mask-png.js";
import { evalFolders, matchFiles } from "./eval-folders.js";

let root = "";
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "eval-"));
});
afterEach(() => rm(root, { recursive: true }));

async function put(path: string, labels: number[], width = labels.length): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await writeFile(join(root, path), writeMaskPng(width, labels.length / width, Uint8Array.from(labels)));
}

function evaluate(classes: string[] | null = null) {
  return evalFolders({ predictionsDir: join(root, "pred"), masksDir: join(root, "masks"), classes });
}

test("matches by relative path first, then by a name that is unique on both sides", () => {
  const { pairs, unmatched } = matchFiles(
    ["a/1.png", "b/1.png", "flat2.png", "x/3.png"],
    ["a/1.png", "c/1.png", "c/flat2.PNG", "4.png"],
  );
  expect(pairs.map((pair) => [pair.predictionPath, pair.maskPath])).toEqual([
    ["a/1.png", "a/1.png"],
    ["flat2.png", "c/flat2.PNG"],
  ]);
  expect(unmatched).toEqual(["c/1.png", "4.png"]);
});

test("sums over images, names classes, and says what it left out", async () => {
  await put("pred/horse/1.png", [0, 1, 1, 0]);
  await put("masks/horse/1.png", [0, 1, 1, 1]);
  await put("pred/2.png", [2, 2, 0, 0]);
  await put("masks/zebra/2.png", [2, 2, 255, 0]);
  await put("masks/zebra/3.png", [2, 2, 2, 2]);
  const { scores, warnings } = await evaluate(["horse", "zebra"]);
  expect(scores).toMatchObject({ images: 2, iou: { horse: 2 / 3, zebra: 1 }, backgroundIou: 2 / 3 });
  expect(warnings).toEqual(["1 masks have no prediction and were left out: zebra/3.png"]);
});

test("contours are scored too, over the same images", async () => {
  await put("pred/1.png", [0, 0, 1, 1, 1, 0, 0, 0]);
  await put("masks/1.png", [0, 0, 1, 1, 1, 1, 0, 0]);
  await put("pred/2.png", [0, 0, 0, 0, 2, 2, 2, 2]);
  await put("masks/2.png", [0, 0, 0, 0, 2, 2, 2, 2]);
  const contours = (await evaluate(["horse", "zebra"])).scores.contours!;
  expect(contours.boundaryFByClass).toEqual({ horse: 1, zebra: 1 });
  // One pixel on each side of the true contours: the horse's two are half right, the zebra's one is.
  expect(contours.trimap[0]).toEqual({ width: 1, miou: 0.75 });
  expect(contours.trimap).toHaveLength(6);
});

test("told the tags, a class that is not in the image is background, and nothing else changes", async () => {
  await put("pred/1.png", [1, 2, 2, 0]);
  await put("masks/1.png", [1, 1, 0, 0]);
  await put("pred/2.png", [2, 2, 0, 0]);
  await put("masks/2.png", [2, 0, 0, 0]);
  const { scores, gated } = await evaluate(["horse", "zebra"]);
  expect(scores.iou).toEqual({ horse: 1 / 2, zebra: 1 / 4 });
  expect(gated.iou).toEqual({ horse: 1 / 2, zebra: 1 / 2 });
  expect(gated.images).toBe(2);
});

test("without names, classes are numbered up to the largest id seen", async () => {
  await put("pred/1.png", [0, 3]);
  await put("masks/1.png", [0, 1]);
  const { scores, classes } = await evaluate();
  expect(classes).toEqual(["1", "2", "3"]);
  expect(scores).toMatchObject({ iou: { "1": 0, "2": null, "3": 0 }, miou: 1 / 3 });
});

test("black-and-white masks get a warning instead of a silent zero", async () => {
  await put("pred/1.png", [0, 1]);
  await put("masks/1.png", [0, 255]);
  expect((await evaluate()).warnings[0]).toContain('255 means "ignore"');
});

test("problems name the file and the next step", async () => {
  await expect(evaluate()).rejects.toMatchObject({ code: "DATA_NOT_FOUND" });
  await put("pred/1.png", [0, 7]);
  await mkdir(join(root, "masks"));
  await expect(evaluate()).rejects.toMatchObject({
    code: "DATA_NOT_FOUND",
    message: expect.stringContaining("1 PNGs"),
  });
  await put("masks/1.png", [0, 1, 1, 1], 2);
  await expect(evaluate()).rejects.toThrow("1.png: sizes differ: prediction 2x1, mask 2x2");
  await put("masks/1.png", [0, 1]);
  await expect(evaluate(["horse"])).rejects.toThrow("1.png: a predicted label is 7; expected 0..1");
  await writeFile(join(root, "masks/1.png"), "not a picture");
  await expect(evaluate()).rejects.toThrow("masks/1.png: the mask is not a PNG");
});
