import sharp from "sharp";
import { expect, test } from "vitest";
import type { ImageEntry, Manifest } from "../../shared/data/manifest.js";
import { ImageStore } from "./image-store.js";

const imageSize = 32;

/** Four photos of one colour each, of which memory holds two. */
function store(fetch: (entry: ImageEntry) => Promise<Uint8Array>): ImageStore {
  const images = [0, 1, 2, 3].map((image) => ({ path: `${image}.png`, digest: `digest ${image}` }));
  const manifest = { train: { images, shards: [[0, 1, 2, 3]] }, val: null } as unknown as Manifest;
  return new ImageStore({
    manifest,
    imageSize,
    localDir: null,
    kept: null,
    fetch,
    memoryBytesMax: 2 * 3 * imageSize ** 2,
  });
}

function photo(shade: number): Promise<Uint8Array> {
  const background = { r: shade, g: shade, b: shade };
  return sharp({ create: { width: 8, height: 8, channels: 3, background } })
    .png()
    .toBuffer();
}

test("photos are loaded ahead in order, as many as are held, and are there when they are wanted", async () => {
  const fetched: string[] = [];
  const photos = store(({ path }) => {
    fetched.push(path);
    return photo(10 * Number.parseInt(path, 10));
  });
  photos.loadAhead("train", [3, 1, 2]);
  const [first, second] = await Promise.all([photos.pixels("train", 3), photos.pixels("train", 1)]);
  expect([first[0], second[0]]).toEqual([30, 10]);
  expect(fetched).toEqual(["3.png", "1.png"]);
});

test("a photo that cannot be loaded ahead is asked for again when it is wanted", async () => {
  let isAway = true;
  const photos = store(() => (isAway ? Promise.reject(new Error("the storage is away")) : photo(70)));
  photos.loadAhead("train", [0]);
  await expect(photos.pixels("train", 0)).rejects.toThrow("the storage is away");
  isAway = false;
  expect((await photos.pixels("train", 0))[0]).toBe(70);
});
