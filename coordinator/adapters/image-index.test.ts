/** Every case on real files, made by sharp in a temporary folder. */
import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { manifestSchema } from "../../shared/data/manifest.js";
import { writeMaskPng } from "../../shared/data/mask-png.js";
import { dataFolder, flat } from "../../tests/support/data-folder.js";

const data = dataFolder();

describe("class folders", () => {
  test("become a valid manifest: classes in alphabetical order, negatives without tags, paths in order", async () => {
    await data.putImages("zebra", 2, 0);
    await data.putImages("horse", 2, 10);
    await data.putImages("none", 1, 20);
    const { manifest, problems, imagePaths } = await data.index();
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
    expect(imagePaths.get(manifest.train.images[0]!.digest)).toBe(join(data.root, "horse/000.png"));
  });

  test("take their ids from --classes where it is given", async () => {
    await data.putImages("zebra", 1, 0);
    await data.putImages("horse", 1, 10);
    const { manifest } = await data.index({ classes: ["zebra", "horse"] });
    expect(manifest.train.images.map(({ path, tags }) => `${path} ${tags}`)).toEqual([
      "horse/000.png 2",
      "zebra/000.png 1",
    ]);
  });

  test("a folder that --classes does not name is mistagged", async () => {
    await data.putImages("zebra", 1, 0);
    await data.putImages("horse", 1, 10);
    expect(await data.problemsOf({ classes: ["zebra"] })).toEqual(["horse/000.png mistagged"]);
  });

  test("one class alone is enough", async () => {
    await data.putImages("horse", 3);
    expect((await data.index()).manifest.classes).toEqual(["horse"]);
  });

  test("train/, val/ and masks/ below --data are found; the long form gives the same manifest", async () => {
    await data.putImages("train/horse", 2, 0);
    await data.putImages("val/horse", 1, 10);
    data.put("masks/train/horse/000.png", writeMaskPng(12, 8, new Uint8Array(96).fill(1)));
    const short = await data.index();
    const at = (folder: string) => join(data.root, folder);
    const long = await data.index({ dataPath: at("train"), valPath: at("val"), masksPath: at("masks") });
    expect(long.manifest).toEqual(short.manifest);
    expect(short.manifest.val?.images).toHaveLength(1);
    expect(short.manifest.train.images.map(({ maskDigest }) => maskDigest !== null)).toEqual([true, false]);
  });

  test("links are followed; a dangling one is missing", async () => {
    await data.putImages("photos", 1);
    mkdirSync(join(data.root, "data/horse"), { recursive: true });
    symlinkSync(join(data.root, "photos/000.png"), join(data.root, "data/horse/a.png"));
    symlinkSync(join(data.root, "photos/nowhere.png"), join(data.root, "data/horse/b.png"));
    expect(await data.problemsOf({ dataPath: join(data.root, "data") })).toEqual(["horse/b.png missing"]);
  });
});

describe("unusual photos", () => {
  test("with alpha, CMYK, 1x1, grey and EXIF-rotated are indexed, with their upright size", async () => {
    data.put("horse/alpha.png", await flat(1).ensureAlpha(0.5).png().toBuffer());
    data.put("horse/cmyk.jpg", await flat(2).toColourspace("cmyk").jpeg().toBuffer());
    data.put("horse/dot.png", await flat(3, 1, 1).png().toBuffer());
    data.put("horse/exif.jpg", await flat(4).withMetadata({ orientation: 8 }).jpeg().toBuffer());
    data.put("horse/grey.jpg", await flat(5).toColourspace("b-w").jpeg().toBuffer());
    const { manifest, problems } = await data.index();
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
    await data.putImages("horse", 40);
    const jpeg = await flat(99, 200, 200).jpeg().toBuffer();
    data.put("horse/cut.jpg", jpeg.subarray(0, jpeg.length >> 1));
    data.put("horse/empty.jpg", "");
    const { manifest, problems } = await data.index();
    expect(manifest.train.images).toHaveLength(40);
    expect(problems.map(({ path, kind }) => `${path} ${kind}`)).toEqual([
      "horse/cut.jpg unreadable",
      "horse/empty.jpg empty-file",
    ]);
    expect(problems[0]!.message).toContain("premature end");
  });

  test("beyond brokenShareMax are an error that names them all, the share and the knob", async () => {
    await data.putImages("horse", 18);
    data.put("horse/x.jpg", "no image");
    data.put("horse/y.jpg", "");
    const error = await data.errorOf();
    expect(error.code).toBe("DATA_BROKEN");
    expect(error.message).toMatch(/2 of 20 images are broken \(10\.0 %; data\.brokenShareMax is 5\.0 %\)/);
    expect(error.message).toContain("horse/x.jpg");
    expect(error.message).toContain("horse/y.jpg");
    await expect(data.index({ brokenShareMax: 0.1 })).resolves.toBeDefined();
  });

  test("that bury the reader are cut to a list of twenty", async () => {
    for (let i = 0; i < 30; i++) data.put(`horse/${i}.jpg`, "");
    expect((await data.errorOf()).message).toMatch(/and 10 more: `seedgrow data check` names them all/);
  });
});

describe("copies", () => {
  test("in the same class are left out, the first path stays", async () => {
    await data.putImages("horse", 2);
    data.put("horse/copy.png", await flat(0).png().toBuffer());
    expect(await data.problemsOf()).toEqual(["horse/copy.png duplicate"]);
    expect((await data.index()).manifest.train.images.map(({ path }) => path)).toEqual([
      "horse/000.png",
      "horse/001.png",
    ]);
  });

  test("under two tags are both mistagged: nobody knows which is right", async () => {
    await data.putImages("horse", 2);
    await data.putImages("zebra", 2, 1);
    expect(await data.problemsOf()).toEqual(["horse/001.png mistagged", "zebra/000.png mistagged"]);
  });

  test("of training images are not validated on", async () => {
    await data.putImages("train/horse", 2);
    await data.putImages("val/horse", 2, 1);
    expect(await data.problemsOf()).toEqual(["horse/000.png leak"]);
  });
});

describe("a data set that would not train says why", () => {
  test("no path", async () => {
    expect(await data.errorOf({ dataPath: join(data.root, "nowhere") })).toMatchObject({ code: "DATA_NOT_FOUND" });
    expect((await data.errorOf({ dataPath: join(data.root, "nowhere") })).message).toContain("--data");
  });

  test("no image", async () => {
    data.put("horse/readme.txt", "none yet");
    expect(await data.errorOf()).toMatchObject({ code: "DATA_EMPTY", message: "there is no image" });
  });

  test("images in no class folder", async () => {
    await data.putImages(".", 3);
    const error = await data.errorOf();
    expect(error).toMatchObject({ code: "DATA_TAGS" });
    expect(error.message).toContain("all 3 lie in no class folder");
  });

  test("negatives only", async () => {
    await data.putImages("none", 3);
    expect((await data.errorOf()).message).toContain("all 3 images are negatives");
  });

  test("a class folder with no image, by name", async () => {
    await data.putImages("horse", 3);
    mkdirSync(join(data.root, "zebra"));
    expect(await data.problemsOf()).toEqual(["zebra empty-class"]);
    expect(await data.errorOf()).toMatchObject({ code: "DATA_EMPTY", message: "no readable training image of zebra" });
  });

  test("an empty validation set", async () => {
    await data.putImages("train/horse", 3);
    mkdirSync(join(data.root, "val"));
    expect((await data.errorOf()).message).toContain("validation set");
  });

  test("a validation class that is not trained", async () => {
    await data.putImages("train/horse", 2);
    await data.putImages("val/horse", 1, 10);
    await data.putImages("val/cow", 1, 20);
    expect(await data.problemsOf()).toEqual(["cow empty-class", "cow/000.png mistagged"]);
  });

  test("class names that are not distinct", async () => {
    expect(await data.errorOf({ classes: ["a", "a"] })).toMatchObject({ code: "USAGE" });
  });
});

describe("other layouts", () => {
  test("horse2zebra: test* validates, --classes names the sides", async () => {
    await data.putImages("trainA", 2, 0);
    await data.putImages("trainB", 2, 10);
    await data.putImages("testA", 1, 20);
    await data.putImages("testB", 1, 30);
    const { manifest } = await data.index({ classes: ["horse", "zebra"] });
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
    expect(await data.errorOf({ classes: ["horse"] })).toMatchObject({ code: "USAGE" });
  });

  test("horse2zebra: the folder's own name is enough", async () => {
    await data.putImages("apple2orange/trainA", 1, 0);
    await data.putImages("apple2orange/trainB", 1, 10);
    expect((await data.index({ dataPath: join(data.root, "apple2orange") })).manifest.classes).toEqual([
      "apple",
      "orange",
    ]);
  });

  test("PASCAL VOC: ImageSets/Main tags, SegmentationClass measures", async () => {
    for (const [i, id] of ["2007_1", "2007_2", "2008_3"].entries())
      data.put(`JPEGImages/${id}.jpg`, await flat(i).jpeg().toBuffer());
    data.put("ImageSets/Main/bird_train.txt", "2007_1  1\n2007_2 -1\n");
    data.put("ImageSets/Main/cat_train.txt", "2007_1 -1\n2007_2  0\n");
    data.put("ImageSets/Main/bird_val.txt", "2008_3  1\n2009_4 -1\n");
    data.put("SegmentationClass/2007_2.png", writeMaskPng(12, 8, new Uint8Array(96).fill(2)));
    const { manifest, problems } = await data.index({ brokenShareMax: 0.5 });
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
    await data.putImages("photos", 3);
    data.put(
      "tags.csv",
      "path,tags\nphotos/000.png,zebra;horse\nphotos/001.png,\nphotos/002.png,horse\nphotos/lost.png,horse\n",
    );
    const options = { dataPath: join(data.root, "tags.csv"), brokenShareMax: 0.5 };
    const { manifest } = await data.index(options);
    expect(manifest.classes).toEqual(["horse", "zebra"]);
    expect(manifest.train.root).toBe(data.root);
    expect(manifest.train.images.map(({ tags }) => tags)).toEqual([[1, 2], [], [1]]);
    expect(await data.problemsOf(options)).toEqual(["photos/lost.png missing"]);
  });
});

describe("the work", () => {
  test("is counted file by file up to the total", async () => {
    await data.putImages("horse", 7);
    const seen: string[] = [];
    await data.index({ onProgress: (done, total) => seen.push(`${done}/${total}`) });
    expect(seen).toEqual(["1/7", "2/7", "3/7", "4/7", "5/7", "6/7", "7/7"]);
  });

  test("stops when asked to", async () => {
    await data.putImages("horse", 20);
    const controller = new AbortController();
    const thrown = await data.errorOf({ onProgress: () => controller.abort(), signal: controller.signal });
    expect(thrown.code).toBe("INTERRUPTED");
  });

  test("gives the same manifest and problems twice", async () => {
    await data.putImages("horse", 9);
    await data.putImages("zebra", 9, 30);
    data.put("zebra/bad.jpg", "bad");
    const once = () => data.index({ brokenShareMax: 0.1 });
    expect(await once()).toEqual(await once());
  });
});
