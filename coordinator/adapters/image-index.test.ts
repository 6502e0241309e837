/** Every case on real files, made by sharp in a temporary folder. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import sharp, { type Sharp } from "sharp";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { manifestSchema } from "../../shared/data/manifest.js";
import { writeMaskPng } from "../../shared/data/mask-png.js";
import { AppError } from "../../shared/errors.js";
import { type IndexOptions, indexData, scanData } from "./image-index.js";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "image-index-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const limits = { brokenShareMax: 0.05, shardImages: 4 };

function put(path: string, bytes: Uint8Array | string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), bytes);
}

/** A flat picture; another shade is another digest. */
function flat(shade: number, width = 12, height = 8): Sharp {
  const background = { r: shade, g: 255 - shade, b: (shade * 7) % 256 };
  return sharp({ create: { width, height, channels: 3, background } });
}

async function putImages(folder: string, count: number, firstShade = 0): Promise<void> {
  for (let i = 0; i < count; i++) {
    put(
      `${folder}/${String(i).padStart(3, "0")}.png`,
      await flat(firstShade + i)
        .png()
        .toBuffer(),
    );
  }
}

function index(options: Partial<IndexOptions> = {}) {
  return indexData({ dataPath: root, ...limits, ...options });
}

/** Problems as "path kind", of a scan that tolerates everything. */
async function problemsOf(options: Partial<IndexOptions> = {}): Promise<string[]> {
  const { problems } = await scanData({ dataPath: root, ...limits, brokenShareMax: 1, ...options });
  return problems.map(({ path, kind }) => `${path} ${kind}`);
}

async function errorOf(options: Partial<IndexOptions> = {}): Promise<AppError> {
  const thrown: unknown = await index(options).catch((error: unknown) => error);
  expect(thrown).toBeInstanceOf(AppError);
  return thrown as AppError;
}

describe("class folders", () => {
  test("become a valid manifest: classes in alphabetical order, negatives without tags, paths in order", async () => {
    await putImages("zebra", 2, 0);
    await putImages("horse", 2, 10);
    await putImages("none", 1, 20);
    const { manifest, problems, imagePaths } = await index();
    expect(manifestSchema.parse(manifest)).toEqual(manifest);
    expect(manifest.classes).toEqual(["horse", "zebra"]);
    expect(manifest.train.images.map(({ path, tags }) => `${path} ${tags}`)).toEqual([
      "horse/000.png 1",
      "horse/001.png 1",
      "none/000.png ",
      "zebra/000.png 2",
      "zebra/001.png 2",
    ]);
    expect(manifest.val).toBeNull();
    expect(problems).toEqual([]);
    expect(imagePaths.get(manifest.train.images[0]!.digest)).toBe(join(root, "horse/000.png"));
  });

  test("take their ids from --classes where it is given", async () => {
    await putImages("zebra", 1, 0);
    await putImages("horse", 1, 10);
    const { manifest } = await index({ classes: ["zebra", "horse"] });
    expect(manifest.train.images.map(({ path, tags }) => `${path} ${tags}`)).toEqual([
      "horse/000.png 2",
      "zebra/000.png 1",
    ]);
  });

  test("a folder that --classes does not name is mistagged", async () => {
    await putImages("zebra", 1, 0);
    await putImages("horse", 1, 10);
    expect(await problemsOf({ classes: ["zebra"] })).toEqual(["horse/000.png mistagged"]);
  });

  test("one class alone is enough", async () => {
    await putImages("horse", 3);
    expect((await index()).manifest.classes).toEqual(["horse"]);
  });

  test("train/, val/ and masks/ below --data are found; the long form gives the same manifest", async () => {
    await putImages("train/horse", 2, 0);
    await putImages("val/horse", 1, 10);
    put("masks/train/horse/000.png", writeMaskPng(12, 8, new Uint8Array(96).fill(1)));
    const short = await index();
    const at = (folder: string) => join(root, folder);
    const long = await index({ dataPath: at("train"), valPath: at("val"), masksPath: at("masks") });
    expect(long.manifest).toEqual(short.manifest);
    expect(short.manifest.val?.images).toHaveLength(1);
    expect(short.manifest.train.images.map(({ maskDigest }) => maskDigest !== null)).toEqual([true, false]);
  });

  test("links are followed; a dangling one is missing", async () => {
    await putImages("photos", 1);
    mkdirSync(join(root, "data/horse"), { recursive: true });
    symlinkSync(join(root, "photos/000.png"), join(root, "data/horse/a.png"));
    symlinkSync(join(root, "photos/nowhere.png"), join(root, "data/horse/b.png"));
    expect(await problemsOf({ dataPath: join(root, "data") })).toEqual(["horse/b.png missing"]);
  });
});

describe("unusual photos", () => {
  test("with alpha, CMYK, 1x1, grey and EXIF-rotated are indexed, with their upright size", async () => {
    put("horse/alpha.png", await flat(1).ensureAlpha(0.5).png().toBuffer());
    put("horse/cmyk.jpg", await flat(2).toColourspace("cmyk").jpeg().toBuffer());
    put("horse/dot.png", await flat(3, 1, 1).png().toBuffer());
    put("horse/exif.jpg", await flat(4).withMetadata({ orientation: 8 }).jpeg().toBuffer());
    put("horse/grey.jpg", await flat(5).toColourspace("b-w").jpeg().toBuffer());
    const { manifest, problems } = await index();
    expect(problems).toEqual([]);
    expect(manifest.train.images.map(({ path, width, height }) => `${path} ${width}x${height}`)).toEqual([
      "horse/alpha.png 12x8",
      "horse/cmyk.jpg 12x8",
      "horse/dot.png 1x1",
      "horse/exif.jpg 8x12",
      "horse/grey.jpg 12x8",
    ]);
  });
});

describe("broken files", () => {
  test("are named with the reason and left out", async () => {
    await putImages("horse", 40);
    const jpeg = await flat(99, 200, 200).jpeg().toBuffer();
    put("horse/cut.jpg", jpeg.subarray(0, jpeg.length >> 1));
    put("horse/empty.jpg", "");
    const { manifest, problems } = await index();
    expect(manifest.train.images).toHaveLength(40);
    expect(problems.map(({ path, kind }) => `${path} ${kind}`)).toEqual([
      "horse/cut.jpg unreadable",
      "horse/empty.jpg empty-file",
    ]);
    expect(problems[0]!.message).toContain("premature end");
  });

  test("beyond brokenShareMax are an error that names them all, the share and the knob", async () => {
    await putImages("horse", 18);
    put("horse/x.jpg", "no image");
    put("horse/y.jpg", "");
    const error = await errorOf();
    expect(error.code).toBe("DATA_BROKEN");
    expect(error.message).toMatch(/2 of 20 images are broken \(10\.0 %; data\.brokenShareMax is 5\.0 %\)/);
    expect(error.message).toContain("horse/x.jpg");
    expect(error.message).toContain("horse/y.jpg");
    await expect(index({ brokenShareMax: 0.1 })).resolves.toBeDefined();
  });

  test("that bury the reader are cut to a list of twenty", async () => {
    for (let i = 0; i < 30; i++) put(`horse/${i}.jpg`, "");
    expect((await errorOf()).message).toMatch(/and 10 more: `seedgrow data check` names them all/);
  });
});

describe("copies", () => {
  test("in the same class are left out, the first path stays", async () => {
    await putImages("horse", 2);
    put("horse/copy.png", await flat(0).png().toBuffer());
    expect(await problemsOf()).toEqual(["horse/copy.png duplicate"]);
    expect((await index()).manifest.train.images.map(({ path }) => path)).toEqual(["horse/000.png", "horse/001.png"]);
  });

  test("under two tags are both mistagged: nobody knows which is right", async () => {
    await putImages("horse", 2);
    await putImages("zebra", 2, 1);
    expect(await problemsOf()).toEqual(["horse/001.png mistagged", "zebra/000.png mistagged"]);
  });

  test("of training images are not validated on", async () => {
    await putImages("train/horse", 2);
    await putImages("val/horse", 2, 1);
    expect(await problemsOf()).toEqual(["horse/000.png leak"]);
  });
});

describe("a data set that would not train says why", () => {
  test("no path", async () => {
    expect(await errorOf({ dataPath: join(root, "nowhere") })).toMatchObject({ code: "DATA_NOT_FOUND" });
    expect((await errorOf({ dataPath: join(root, "nowhere") })).message).toContain("--data");
  });

  test("no image", async () => {
    put("horse/readme.txt", "none yet");
    expect(await errorOf()).toMatchObject({ code: "DATA_EMPTY", message: "there is no image" });
  });

  test("images in no class folder", async () => {
    await putImages(".", 3);
    const error = await errorOf();
    expect(error).toMatchObject({ code: "DATA_TAGS" });
    expect(error.message).toContain("all 3 lie in no class folder");
  });

  test("negatives only", async () => {
    await putImages("none", 3);
    expect((await errorOf()).message).toContain("all 3 images are negatives");
  });

  test("a class folder with no image, by name", async () => {
    await putImages("horse", 3);
    mkdirSync(join(root, "zebra"));
    expect(await problemsOf()).toEqual(["zebra empty-class"]);
    expect(await errorOf()).toMatchObject({ code: "DATA_EMPTY", message: "no readable training image of zebra" });
  });

  test("an empty validation set", async () => {
    await putImages("train/horse", 3);
    mkdirSync(join(root, "val"));
    expect((await errorOf()).message).toContain("validation set");
  });

  test("a validation class that is not trained", async () => {
    await putImages("train/horse", 2);
    await putImages("val/horse", 1, 10);
    await putImages("val/cow", 1, 20);
    expect(await problemsOf()).toEqual(["cow empty-class", "cow/000.png mistagged"]);
  });

  test("class names that are not distinct", async () => {
    expect(await errorOf({ classes: ["a", "a"] })).toMatchObject({ code: "USAGE" });
  });
});

describe("other layouts", () => {
  test("horse2zebra: test* validates, --classes names the sides", async () => {
    await putImages("trainA", 2, 0);
    await putImages("trainB", 2, 10);
    await putImages("testA", 1, 20);
    await putImages("testB", 1, 30);
    const { manifest } = await index({ classes: ["horse", "zebra"] });
    expect(manifest.train.images.map(({ path, tags }) => `${path} ${tags}`)).toEqual([
      "trainA/000.png 1",
      "trainA/001.png 1",
      "trainB/000.png 2",
      "trainB/001.png 2",
    ]);
    expect(manifest.val?.images.map(({ path, tags }) => `${path} ${tags}`)).toEqual([
      "testA/000.png 1",
      "testB/000.png 2",
    ]);
    expect(await errorOf({ classes: ["horse"] })).toMatchObject({ code: "USAGE" });
  });

  test("horse2zebra: the folder's own name is enough", async () => {
    await putImages("apple2orange/trainA", 1, 0);
    await putImages("apple2orange/trainB", 1, 10);
    expect((await index({ dataPath: join(root, "apple2orange") })).manifest.classes).toEqual(["apple", "orange"]);
  });

  test("PASCAL VOC: ImageSets/Main tags, SegmentationClass measures", async () => {
    for (const [i, id] of ["2007_1", "2007_2", "2008_3"].entries())
      put(`JPEGImages/${id}.jpg`, await flat(i).jpeg().toBuffer());
    put("ImageSets/Main/bird_train.txt", "2007_1  1\n2007_2 -1\n");
    put("ImageSets/Main/cat_train.txt", "2007_1 -1\n2007_2  0\n");
    put("ImageSets/Main/bird_val.txt", "2008_3  1\n2009_4 -1\n");
    put("SegmentationClass/2007_2.png", writeMaskPng(12, 8, new Uint8Array(96).fill(2)));
    const { manifest, problems } = await index({ brokenShareMax: 0.5 });
    expect(manifest.classes).toEqual(["bird", "cat"]);
    expect(manifest.train.images.map(({ path, tags }) => `${path} ${tags}`)).toEqual([
      "JPEGImages/2007_1.jpg 1",
      "JPEGImages/2007_2.jpg 2",
    ]);
    expect(manifest.train.images.map(({ maskDigest }) => maskDigest !== null)).toEqual([false, true]);
    expect(manifest.val?.images.map(({ path }) => path)).toEqual(["JPEGImages/2008_3.jpg"]);
    expect(problems.map(({ path, kind }) => `${path} ${kind}`)).toEqual(["JPEGImages/2009_4.jpg missing"]);
  });

  test("CSV: several tags on one image, and files that are not there", async () => {
    await putImages("photos", 3);
    put(
      "tags.csv",
      "path,tags\nphotos/000.png,zebra;horse\nphotos/001.png,\nphotos/002.png,horse\nphotos/lost.png,horse\n",
    );
    const options = { dataPath: join(root, "tags.csv"), brokenShareMax: 0.5 };
    const { manifest } = await index(options);
    expect(manifest.classes).toEqual(["horse", "zebra"]);
    expect(manifest.train.root).toBe(root);
    expect(manifest.train.images.map(({ tags }) => tags)).toEqual([[1, 2], [], [1]]);
    expect(await problemsOf(options)).toEqual(["photos/lost.png missing"]);
  });
});

describe("masks", () => {
  const pixels = 12 * 8;
  const options = () => ({ dataPath: join(root, "data"), masksPath: join(root, "masks") });

  async function maskProblem(bytes: Uint8Array): Promise<string | undefined> {
    await putImages("data/horse", 1);
    put("masks/horse/000.png", bytes);
    return (await index(options())).problems.map(({ kind, message }) => `${kind}: ${message}`)[0];
  }

  test("with ids 0..K and 255, as palette or grey PNG, are taken", async () => {
    await putImages("data/horse", 2);
    const labels = new Uint8Array(pixels).map((_, i) => [0, 1, 255][i % 3]!);
    put("masks/horse/000.png", writeMaskPng(12, 8, labels));
    put(
      "masks/horse/001.png",
      await sharp(labels, { raw: { width: 12, height: 8, channels: 1 } })
        .toColourspace("b-w")
        .png()
        .toBuffer(),
    );
    const { manifest, maskPaths, problems } = await index(options());
    expect(problems).toEqual([]);
    expect(manifest.train.images.map(({ maskDigest }) => maskPaths.get(maskDigest!))).toEqual([
      join(root, "masks/horse/000.png"),
      join(root, "masks/horse/001.png"),
    ]);
  });

  test("of the wrong size are not used", async () => {
    expect(await maskProblem(writeMaskPng(8, 12, new Uint8Array(pixels)))).toBe(
      "mask: not used: 8x12, but horse/000.png is 12x8 upright",
    );
  });

  test("with an id that is no class are not used", async () => {
    expect(await maskProblem(writeMaskPng(12, 8, new Uint8Array(pixels).fill(7)))).toContain("holds 7; ids are 0 to 1");
  });

  test("in black and white are not used: 255 is ignore, not object", async () => {
    const labels = new Uint8Array(pixels).fill(255, 0, 20);
    expect(await maskProblem(writeMaskPng(12, 8, labels))).toContain("255 means ignore");
  });

  test("in colour are not used", async () => {
    expect(await maskProblem(await flat(9).png().toBuffer())).toContain("not class ids");
  });

  test("that are no PNG are not used", async () => {
    expect(await maskProblem(Buffer.from("x"))).toContain("not a PNG");
  });

  test("that show a class the image is not tagged with are used and reported", async () => {
    await putImages("data/horse", 1, 0);
    await putImages("data/zebra", 1, 10);
    put("masks/horse/000.png", writeMaskPng(12, 8, new Uint8Array(pixels).fill(2)));
    const { problems, manifest } = await index(options());
    expect(problems[0]!.message).toBe("used, but shows zebra, which horse/000.png is not tagged with");
    expect(manifest.train.images[0]!.maskDigest).not.toBeNull();
  });

  test("match the upright photo, and may lie among the class folders", async () => {
    put("horse/a.jpg", await flat(4).withMetadata({ orientation: 6 }).jpeg().toBuffer());
    put("masks/horse/a.png", writeMaskPng(8, 12, new Uint8Array(pixels).fill(1)));
    const { manifest, problems } = await index({ masksPath: join(root, "masks") });
    expect(problems).toEqual([]);
    expect(manifest.classes).toEqual(["horse"]);
    expect(manifest.train.images[0]!.maskDigest).not.toBeNull();
  });
});

describe("the work", () => {
  test("is counted file by file up to the total", async () => {
    await putImages("horse", 7);
    const seen: string[] = [];
    await index({ onProgress: (done, total) => seen.push(`${done}/${total}`) });
    expect(seen).toEqual(["1/7", "2/7", "3/7", "4/7", "5/7", "6/7", "7/7"]);
  });

  test("stops when asked to", async () => {
    await putImages("horse", 20);
    const controller = new AbortController();
    const thrown = await errorOf({ onProgress: () => controller.abort(), signal: controller.signal });
    expect(thrown.code).toBe("INTERRUPTED");
  });

  test("gives the same manifest and problems twice", async () => {
    await putImages("horse", 9);
    await putImages("zebra", 9, 30);
    put("zebra/bad.jpg", "bad");
    const once = () => index({ brokenShareMax: 0.1 });
    expect(await once()).toEqual(await once());
  });
});
