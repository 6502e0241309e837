/** Importing on real files: folders, real ZIPs, a real HTTP server that breaks off in the middle. */

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { crc32, deflateRawSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { sha256 } from "../../shared/codec/digest.js";
import { errorOf, putFile } from "../../tests/support/files.js";
import { parseKnownSet } from "../data/known-set.js";
import { download } from "./download.js";
import { readPublishedList, unpackVerified, verifyFolder } from "./import-horse2zebra.js";
import { zipEntries } from "./zip-source.js";

let dir = "";
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "seedgrow-import-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const quiet = () => undefined;

const put = (path: string, content: string | Uint8Array) => putFile(join(dir, path), content);

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
