import { expect, test } from "vitest";
import { sha256 } from "../../shared/codec/digest.js";
import { encodeMapPack } from "../../shared/codec/map-pack.js";
import { LabelStore } from "./label-store.js";

function pack(...images: readonly number[]): Uint8Array {
  const maps = images.map((image) => {
    return { image, height: 2, width: 2, channels: 1, data: new Uint8Array(4).fill(image) };
  });
  return encodeMapPack(maps);
}

/** A version of these packs, by its name. `pulled`: what was asked for. */
function open(packs: readonly Uint8Array[]) {
  const byDigest = new Map(packs.map((bytes) => [sha256(bytes), bytes]));
  const pulled: string[] = [];
  let failures = 0;
  const store = new LabelStore({
    pull: async () => Buffer.from(JSON.stringify({ version: 1, packs: [...byDigest.keys()] })),
    pack: async (digest) => {
      pulled.push(digest);
      if (failures-- > 0) throw new Error("the line broke");
      return byDigest.get(digest)!;
    },
  });
  return { store, pulled, fail: (times: number) => (failures = times) };
}

test("a version's maps are those of all its packs, and pulled once", async () => {
  const { store, pulled } = open([pack(0, 1), pack(2)]);
  const maps = await store.version("v1");
  expect([0, 1, 2].map((image) => [...maps.get(image)!.data])).toEqual([0, 1, 2].map((image) => Array(4).fill(image)));
  expect(maps.get(3)).toBeUndefined();
  expect(await store.version("v1")).toBe(maps);
  expect(pulled).toHaveLength(2);
});

test("whoever changes a map changes no other's", async () => {
  const { store } = open([pack(7)]);
  const maps = await store.version("v1");
  maps.get(7)!.data.fill(255);
  expect([...maps.get(7)!.data]).toEqual([7, 7, 7, 7]);
});

test("what failed is pulled again", async () => {
  const { store, fail } = open([pack(0)]);
  fail(1);
  await expect(store.version("v1")).rejects.toThrow("the line broke");
  expect((await store.version("v1")).get(0)).toBeDefined();
});

test("a map that cannot be unpacked is damage of its pack, which others do not suffer from", async () => {
  const bytes = pack(0, 1);
  bytes[bytes.length - 1] = 0xff;
  const { store } = open([bytes]);
  const maps = await store.version("v1");
  expect([...maps.get(0)!.data]).toEqual([0, 0, 0, 0]);
  expect(() => maps.get(1)).toThrow(expect.objectContaining({ code: "DIGEST_MISMATCH" }));
});
