/** Importing on real files: folders, real ZIPs, a real HTTP server that breaks off in the middle. */

import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { crc32, deflateRawSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { sha256 } from "../../shared/codec/digest.js";
import { readMaskPng, writeMaskPng } from "../../shared/data/mask-png.js";
import { AppError } from "../../shared/errors.js";
import { flat } from "../../tests/support/data-folder.js";
import { parseKnownSet } from "../data/known-set.js";
import { download } from "./download.js";
import { indexData } from "./image-index.js";
import { importCsv } from "./import-csv.js";
import { readPublishedList, unpackVerified, verifyFolder } from "./import-horse2zebra.js";
import { importVoc } from "./import-voc.js";
import { zipEntries } from "./zip-source.js";

let dir = "";
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "seedgrow-import-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const quiet = () => undefined;

function put(path: string, content: string | Uint8Array): string {
  mkdirSync(dirname(join(dir, path)), { recursive: true });
  writeFileSync(join(dir, path), content);
  return join(dir, path);
}

async function errorOf(work: Promise<unknown>): Promise<AppError> {
  const thrown: unknown = await work.catch((error: unknown) => error);
  expect(thrown).toBeInstanceOf(AppError);
  return thrown as AppError;
}

interface Entry {
  readonly name: string;
  readonly content: Buffer;
  /** What the headers claim, when it is not the truth. */
  readonly claims?: number;
}

/** A ZIP as the format describes it (APPNOTE 4.3), so that a test can lie in it. */
function zipOf(entries: readonly Entry[]): Buffer {
  const locals: Buffer[] = [];
  const centrals: Buffer[] = [];
  let offset = 0;
  for (const { name, content, claims } of entries) {
    const packed = deflateRawSync(content);
    const fields = Buffer.alloc(26);
    fields.writeUInt16LE(20, 0);
    fields.writeUInt16LE(8, 4);
    fields.writeUInt32LE(crc32(content), 10);
    fields.writeUInt32LE(packed.length, 14);
    fields.writeUInt32LE(claims ?? content.length, 18);
    fields.writeUInt16LE(Buffer.byteLength(name), 22);
    const local = Buffer.concat([Buffer.from("PK\u0003\u0004", "latin1"), fields, Buffer.from(name), packed]);
    const central = Buffer.alloc(16);
    central.writeUInt32LE(offset, 12);
    const made = Buffer.from("PK\u0001\u0002\u0014\u0000", "latin1");
    centrals.push(Buffer.concat([made, fields, central.subarray(2), Buffer.alloc(0), Buffer.from(name)]));
    locals.push(local);
    offset += local.length;
  }
  const directory = Buffer.concat(centrals);
  const end = Buffer.alloc(22);
  end.write("PK\u0005\u0006", "latin1");
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...locals, directory, end]);
}

describe("horse2zebra", () => {
  const images = { "trainA/a.jpg": Buffer.from("horse a"), "trainB/b.jpg": Buffer.from("zebra b") };
  const list = Object.entries(images).map(
    ([path, bytes]) => `${sha256(bytes)}\t${bytes.length}\thorse2zebra/${path}\n`,
  );
  const known = parseKnownSet(list.join(""), "horse2zebra");

  test("a folder is compared byte for byte, wherever people have unpacked it", async () => {
    put("up/horse2zebra/trainA/a.jpg", images["trainA/a.jpg"]);
    put("up/horse2zebra/trainB/b.jpg", "zebra, retouched");
    put("up/horse2zebra/trainB/c.jpg", "somebody's cat");
    const { root, finding } = await verifyFolder(join(dir, "up"), known, quiet);
    expect(root).toBe(join(dir, "up/horse2zebra"));
    expect(finding).toEqual({
      ...{ verified: ["trainA/a.jpg"], missing: [], altered: ["trainB/b.jpg"], foreign: ["trainB/c.jpg"] },
    });
  });

  test("a ZIP's images are written only when they are the published ones", async () => {
    const entries = Object.entries(images).map(([path, content]) => ({ name: `horse2zebra/${path}`, content }));
    const zip = put("h2z.zip", zipOf([...entries, { name: "horse2zebra/readme.txt", content: Buffer.from("hello") }]));
    const finding = await unpackVerified(zip, join(dir, "out"), known, quiet);
    expect(finding).toEqual({ verified: ["trainA/a.jpg", "trainB/b.jpg"], missing: [], altered: [], foreign: [] });
    expect(readFileSync(join(dir, "out/trainB/b.jpg"), "utf8")).toBe("zebra b");
    expect(existsSync(join(dir, "out/readme.txt"))).toBe(false);

    const forged = put("forged.zip", zipOf([{ name: "horse2zebra/trainA/a.jpg", content: Buffer.from("HORSE A") }]));
    const other = await unpackVerified(forged, join(dir, "out2"), known, quiet);
    expect(other).toMatchObject({ verified: [], altered: ["trainA/a.jpg"], missing: ["trainB/b.jpg"] });
    expect(existsSync(join(dir, "out2"))).toBe(false);
  });

  test("the shipped list names all images of the set", async () => {
    const published = await readPublishedList();
    expect(published.size).toBe(2_661);
    const count = (folder: string) => [...published.keys()].filter((path) => path.startsWith(`${folder}/`)).length;
    expect(["trainA", "trainB", "testA", "testB"].map(count)).toEqual([1067, 1334, 120, 140]);
  });

  const genuine = fileURLToPath(new URL("../../../shared/data/horse2zebra-partial", import.meta.url));
  if (!existsSync(genuine)) process.stderr.write(`SKIPPED: no genuine horse2zebra images at ${genuine}\n`);
  test.skipIf(!existsSync(genuine))("69 genuine images are verified, and the other 2,592 named", async () => {
    const { finding } = await verifyFolder(genuine, await readPublishedList(), quiet);
    expect(finding.verified).toHaveLength(69);
    expect(finding.missing).toHaveLength(2_592);
    expect(finding.missing).toContain("testB/n02391049_10100.jpg");
    expect([finding.altered, finding.foreign]).toEqual([[], []]);
  });

  test("a list that names a file elsewhere is no list", () => {
    const line = `${"0".repeat(64)}\t1\thorse2zebra/../../etc/passwd\n`;
    expect(() => parseKnownSet(line, "horse2zebra")).toThrow("line 1");
  });
});

describe("a ZIP that is out to harm", () => {
  const read = async (path: string) => {
    const names: string[] = [];
    for await (const entry of zipEntries(path)) {
      await entry.read();
      names.push(entry.name);
    }
    return names;
  };

  test.each(["../outside.jpg", "/etc/outside.jpg", "a/../../outside.jpg", "C:/outside.jpg"])(
    "by the name %s is refused",
    async (name) => {
      const error = await errorOf(read(put("evil.zip", zipOf([{ name, content: Buffer.from("x") }]))));
      expect(error.code).toBe("DATA_BROKEN");
    },
  );

  test("by unpacking to more than it claims is stopped", async () => {
    const bomb = zipOf([{ name: "a.jpg", content: Buffer.alloc(50_000_000), claims: 10 }]);
    expect(bomb.length).toBeLessThan(100_000);
    expect((await errorOf(read(put("bomb.zip", bomb)))).message).toContain("too many bytes");
  });

  test("by claiming more than any photo has is stopped before it is unpacked", async () => {
    const huge = zipOf([{ name: "a.jpg", content: Buffer.from("x"), claims: 0xf000_0000 }]);
    expect((await errorOf(read(put("huge.zip", huge)))).message).toContain("claims 4026531840 bytes");
  });

  test("or that is none, or not there, is named", async () => {
    expect((await errorOf(read(put("text.zip", "no archive at all, only text here")))).code).toBe("DATA_BROKEN");
    expect((await errorOf(read(join(dir, "gone.zip")))).code).toBe("DATA_NOT_FOUND");
  });
});

describe("a download", () => {
  const content = Buffer.from(Array.from({ length: 300_000 }, (_, i) => i % 251));
  let server: Server;
  let asked: (string | undefined)[] = [];
  /** Bytes after which the connection is cut, per request; beyond the list: never. */
  let cuts: number[] = [];
  let url = "";

  beforeEach(async () => {
    asked = [];
    cuts = [];
    server = createServer((request, response) => {
      const { range } = request.headers;
      asked.push(range);
      const from = Number(/bytes=(\d+)-/.exec(range ?? "")?.[1] ?? 0);
      if (from >= content.length) {
        response.writeHead(416, { "content-range": `bytes */${content.length}` }).end();
        return;
      }
      const body = content.subarray(from);
      response.writeHead(range ? 206 : 200, { "content-length": body.length });
      const cut = cuts.shift();
      if (cut === undefined) response.end(body);
      else response.write(body.subarray(0, cut), () => setTimeout(() => response.destroy(), 50));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/set.zip`;
  });
  afterEach(() => server.close());

  const fetchIt = (bytesMax = 1e6) => download({ url, path: join(dir, "set.zip"), bytesMax, pauseMs: 1 });

  test("that breaks off goes on where it stopped, and is there whole or not at all", async () => {
    cuts = [100_000, 50_000];
    await fetchIt();
    expect(readFileSync(join(dir, "set.zip")).equals(content)).toBe(true);
    expect(asked[0]).toBeUndefined();
    expect(asked).toHaveLength(3);
    for (const range of asked.slice(1)) expect(range).toMatch(/^bytes=[1-9]\d*-$/);
    expect(readdirSync(dir)).toEqual(["set.zip"]);
  });

  test("that fails for good keeps what arrived for the next command", async () => {
    cuts = [100_000, 0, 0, 0, 0];
    expect((await errorOf(fetchIt())).code).toBe("DOWNLOAD_FAILED");
    expect(existsSync(join(dir, "set.zip"))).toBe(false);
    await fetchIt();
    expect(readFileSync(join(dir, "set.zip")).equals(content)).toBe(true);
  });

  test("that was complete but for its name is not fetched again", async () => {
    put("set.zip.part", content);
    await fetchIt();
    expect(asked).toEqual([`bytes=${content.length}-`]);
  });

  test("larger than it may be is refused at once", async () => {
    expect((await errorOf(fetchIt(1_000))).message).toContain("at most 1000");
    expect(asked).toHaveLength(1);
  });
});

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
