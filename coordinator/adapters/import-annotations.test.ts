/** Importing what others have annotated, PASCAL VOC and foreign CSVs, from real files. */
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { readMaskPng, writeMaskPng } from "../../shared/data/mask-png.js";
import { flat } from "../../tests/support/data-folder.js";
import { errorOf, putFile } from "../../tests/support/files.js";
import { indexData } from "./image-index.js";
import { importCsv } from "./import-csv.js";
import { importVoc } from "./import-voc.js";

let dir = "";
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "seedgrow-import-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const quiet = () => undefined;

const put = (path: string, content: string | Uint8Array) => putFile(join(dir, path), content);

describe("PASCAL VOC", () => {
  const xml = (...names: string[]) =>
    `<annotation><filename>x.jpg</filename>${names.map((name) => `<object><name>${name}</name><bndbox><xmin>1</xmin></bndbox></object>`).join("")}</annotation>`;

  async function putTree(): Promise<void> {
    const shades = { a: 10, b: 20, c: 30 };
    for (const [id, shade] of Object.entries(shades)) {
      put(`VOC2012/JPEGImages/${id}.jpg`, await flat(shade).jpeg().toBuffer());
    }
    put("VOC2012/Annotations/a.xml", xml("horse", "person", "horse"));
    put("VOC2012/Annotations/b.xml", xml("sheep"));
    put("VOC2012/Annotations/c.xml", xml("person"));
    put("VOC2012/ImageSets/Segmentation/train.txt", "a\nb\nmissing\n../../secret\n");
    put("VOC2012/ImageSets/Segmentation/val.txt", "c\n");
    // horse is 13, person 15, in VOC's numbers.
    put("VOC2012/SegmentationClass/a.png", writeMaskPng(4, 1, Uint8Array.of(0, 13, 15, 255)));
  }

  test("becomes tags of the annotations, and masks with our ids, which the indexer reads", async () => {
    await putTree();
    const out = join(dir, "out");
    const set = await importVoc({ dir, outDir: out, classes: ["horse", "sheep"], onFile: quiet });
    expect(set).toEqual({ classes: ["horse", "sheep"], train: 2, val: 1, masks: 1, missing: ["missing"] });
    expect(readFileSync(join(out, "train.csv"), "utf8")).toBe("path,tags\nphotos/a.jpg,horse\nphotos/b.jpg,sheep\n");
    expect(readFileSync(join(out, "val.csv"), "utf8")).toBe("path,tags\nphotos/c.jpg,\n");
    expect([...readMaskPng(readFileSync(join(out, "masks/photos/a.png"))).labels]).toEqual([0, 1, 0, 255]);
    const { manifest } = await indexData({ dataPath: out, brokenShareMax: 0, shardImages: 4 });
    expect(manifest.train.images.map(({ tags }) => tags)).toEqual([[1], [2]]);
  });

  test("that is none, or holds a bomb of entities, is refused and leaves nothing", async () => {
    expect((await errorOf(importVoc({ dir, outDir: join(dir, "o"), classes: null, onFile: quiet }))).code).toBe(
      "DATA_NOT_FOUND",
    );
    await putTree();
    const entities = `<!DOCTYPE x [<!ENTITY a "${"a".repeat(1000)}"><!ENTITY b "&a;&a;&a;&a;">]>`;
    put("VOC2012/Annotations/b.xml", `${entities}<annotation><object><name>&b;&b;</name></object></annotation>`);
    const { classes } = await importVoc({ dir, outDir: join(dir, "o"), classes: null, onFile: quiet });
    expect(classes.every((name) => name.length < 20)).toBe(true);
    put("VOC2012/Annotations/b.xml", "<annotation><object>");
    const error = await errorOf(importVoc({ dir, outDir: join(dir, "o2"), classes: null, onFile: quiet }));
    expect(error.message).toContain("b.xml");
    expect(existsSync(join(dir, "o2"))).toBe(false);
  });
});

describe("a foreign CSV", () => {
  const options = { photosDir: null, pathColumn: null, tagsColumn: null, valShare: 0, seed: 0, onFile: quiet };
  const read = (csv: string, more: object = {}) =>
    importCsv({ ...options, csvPath: put("tags.csv", csv), outDir: join(dir, "out"), ...more });

  beforeEach(async () => {
    for (const [index, name] of ["a", "b", "c"].entries()) {
      put(
        `img/${name}.png`,
        await flat(40 + index)
          .png()
          .toBuffer(),
      );
    }
  });

  test("with a column of tags", async () => {
    const set = await read("image,labels\nimg/a.png,horse|zebra\nimg/b.png,none\nimg/gone.png,horse\n");
    expect(set).toMatchObject({ classes: ["horse", "zebra"], train: 2, missing: ["img/gone.png"] });
    expect(readFileSync(join(dir, "out/train.csv"), "utf8")).toBe(
      "path,tags\nphotos/img/a.png,horse;zebra\nphotos/img/b.png,\n",
    );
  });

  test("with a column per class, and photos elsewhere, split the same way every time", async () => {
    const csv = "filename,horse,zebra\na.png,1,0\nb.png,0,1\nc.png,yes,no\n";
    const set = await read(csv, { photosDir: join(dir, "img"), valShare: 0.5 });
    expect(set.train + set.val).toBe(3);
    const first = readFileSync(join(dir, "out/val.csv"), "utf8");
    await read(csv, { photosDir: join(dir, "img"), valShare: 0.5, outDir: join(dir, "again") });
    expect(readFileSync(join(dir, "again/val.csv"), "utf8")).toBe(first);
  });

  test("that leads out of its folder, by name or by link, writes nothing", async () => {
    symlinkSync("/etc/hostname", join(dir, "img/link.png"));
    for (const path of ["../secret.png", "/etc/passwd", "img/link.png"]) {
      const error = await errorOf(read(`path,tags\nimg/a.png,horse\n${path},horse\n`));
      expect(error.message).toContain("line 3");
      expect(error.message).toContain("leads out of");
    }
    expect(existsSync(join(dir, "out"))).toBe(false);
  });

  test("that is unclear says where", async () => {
    expect((await errorOf(read("path,horse\nimg/a.png,perhaps\n"))).message).toContain("line 2");
    const error = await errorOf(read("path,x\nimg/a.png,horse\n", { tagsColumn: "tags" }));
    expect(error.hint).toContain("path, x");
  });
});
