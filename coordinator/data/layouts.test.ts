import { describe, expect, test } from "vitest";
import { isSplitRoot, isUnpaired, type Listing, readClassFolders, readUnpaired, without } from "./layouts.js";

/** A listing of these files, with every folder on their way. */
function listing(...files: string[]): Listing {
  const folders = new Set<string>();
  for (const file of files) {
    for (let slash = file.indexOf("/"); slash >= 0; slash = file.indexOf("/", slash + 1))
      folders.add(file.slice(0, slash));
  }
  return { files: files.filter((file) => !file.endsWith("/")), folders: [...folders] };
}

describe("class folders", () => {
  test("the first folder is the tag, `none` is no tag, deeper folders do not matter", () => {
    const { images, classes, problems } = readClassFolders(
      listing("horse/a.jpg", "none/b.png", "zebra/x/c.webp"),
      "train",
    );
    expect(images).toEqual([
      { path: "horse/a.jpg", tags: ["horse"] },
      { path: "none/b.png", tags: [] },
      { path: "zebra/x/c.webp", tags: ["zebra"] },
    ]);
    expect(classes).toEqual(["horse", "zebra"]);
    expect(problems).toEqual([]);
  });

  test("an image in no class folder and a format sharp does not read are problems; other files are not images", () => {
    const { images, problems } = readClassFolders(listing("a.jpg", "horse/b.heic", "horse/notes.txt"), "val");
    expect(images).toEqual([]);
    expect(problems.map(({ path, kind }) => `${path} ${kind}`)).toEqual(["a.jpg untagged", "horse/b.heic unsupported"]);
  });

  test("a folder without an image still names a class", () => {
    expect(readClassFolders(listing("horse/a.jpg", "zebra/"), "train").classes).toEqual(["horse", "zebra"]);
  });

  test("masks kept beside the class folders can be taken out", () => {
    const rest = without(listing("horse/a.jpg", "masks/horse/a.png"), "masks");
    expect(readClassFolders(rest, "train").classes).toEqual(["horse"]);
  });
});

describe("split folders", () => {
  test("are train/<class>/<image>, beside val, test and masks only", () => {
    expect(isSplitRoot(listing("train/horse/a.jpg", "val/horse/b.jpg", "masks/train/horse/a.png"))).toBe(true);
    expect(isSplitRoot(listing("train/horse/a.jpg", "horse/b.jpg"))).toBe(false);
  });

  test("a class that is called train is a class", () => {
    expect(isSplitRoot(listing("train/a.jpg", "val/b.jpg"))).toBe(false);
    expect(isSplitRoot(listing("bus/a.jpg", "train/b.jpg"))).toBe(false);
  });
});

describe("the unpaired layout of horse2zebra", () => {
  const h2z = listing("trainA/1.jpg", "trainB/2.jpg", "testA/3.jpg", "testB/4.jpg");

  test("is recognised, also with one side only", () => {
    expect(isUnpaired(h2z)).toBe(true);
    expect(isUnpaired(listing("trainA/1.jpg"))).toBe(true);
    expect(isUnpaired(listing("trainA/1.jpg", "horse/2.jpg"))).toBe(false);
    expect(isUnpaired(listing("a.jpg"))).toBe(false);
  });

  test("train* trains, test* validates", () => {
    expect(readUnpaired(h2z, "train", ["horse", "zebra"]).images).toEqual([
      { path: "trainA/1.jpg", tags: ["horse"] },
      { path: "trainB/2.jpg", tags: ["zebra"] },
    ]);
    expect(readUnpaired(h2z, "val", ["horse", "zebra"]).images.map(({ path }) => path)).toEqual([
      "testA/3.jpg",
      "testB/4.jpg",
    ]);
  });

  test("one side alone is one class", () => {
    expect(readUnpaired(listing("trainA/1.jpg"), "train", ["horse", "zebra"]).classes).toEqual(["horse"]);
  });
});
