/** Files on disk, and a predictor that needs no engine. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readPhotoHeader } from "../../shared/data/decode.js";
import { readMaskPng } from "../../shared/data/mask-png.js";
import { AppError } from "../../shared/errors.js";
import type { Photo, Predictor } from "../../worker/predict.js";
import type { PlannedImage } from "./plan.js";
import { predictAll } from "./run.js";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "seedgrow-predict-"));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const options = { allowed: null, raw: true, onProgress: () => {}, onBroken: () => {} };

/** Photos of widths 10, 11, .. */
async function plan(count: number): Promise<PlannedImage[]> {
  const files = Array.from({ length: count }, async (_, i) => {
    const path = join(dir, `${i}.png`);
    await sharp({ create: { width: 10 + i, height: 4, channels: 3, background: "red" } }).toFile(path);
    return { path, name: `${i}`, maskPath: join(dir, `${i}.mask.png`), overlayPath: null };
  });
  return Promise.all(files);
}

/** Every pixel is of class 1. */
function predictor(photosAtOnce: number, predict?: (photo: Photo) => Promise<void>): Predictor {
  const one = {
    photosAtOnce,
    model: { classes: ["horse"] },
    decode: async (bytes: Uint8Array) => ({ ...(await readPhotoHeader(bytes)), pixels: new Uint8Array() }),
    predict: async (photo: Photo) => {
      await predict?.(photo);
      return new Uint8Array(photo.width * photo.height).fill(1);
    },
  };
  return one as unknown as Predictor;
}

test("masks are listed in the order asked for, whichever is done first", async () => {
  const planned = await plan(4);
  let release = () => {};
  const last = new Promise<void>((resolve) => {
    release = resolve;
  });
  const done: number[] = [];
  const slowFirst = async ({ width }: Photo) => (width === 10 ? last : width === 13 ? release() : undefined);
  const written = await predictAll(predictor(2, slowFirst), planned, { ...options, onProgress: (n) => done.push(n) });
  expect(written.map(({ width }) => width)).toEqual([10, 11, 12, 13]);
  expect(written[0]!.classes).toEqual({ horse: 1 });
  expect(readMaskPng(await readFile(planned[2]!.maskPath))).toMatchObject({ width: 12, height: 4 });
  expect(done).toEqual([1, 2, 3, 4]);
});

test("a photo that cannot be read is named, and the others are done", async () => {
  const planned = await plan(3);
  await writeFile(planned[1]!.path, "no photo");
  const broken: string[] = [];
  const written = await predictAll(predictor(1), planned, { ...options, onBroken: (image) => broken.push(image) });
  expect(broken).toEqual([planned[1]!.path]);
  expect(written.map(({ width }) => width)).toEqual([10, 12]);
});

test("when the engine fails, photos that have not begun never do", async () => {
  const planned = await plan(9);
  let begun = 0;
  const failing = async () => {
    begun++;
    throw new AppError("ENGINE_FAILED", "out of memory");
  };
  await expect(predictAll(predictor(1, failing), planned, options)).rejects.toThrow("out of memory");
  expect(begun).toBeLessThanOrEqual(3);
});
