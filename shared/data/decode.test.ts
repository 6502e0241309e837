import { createHash } from "node:crypto";
import sharp, { type Sharp } from "sharp";
import { describe, expect, test } from "vitest";
import { AppError } from "../errors.js";
import { decodeSquare, decodeUpright, readPhotoHeader, squareDecoder } from "./decode.js";

const size = 8;

/** Left half red, right half blue. */
function twoHalves(width: number, height: number): Sharp {
  const rgb = Buffer.alloc(width * height * 3);
  for (let i = 0; i < width * height; i++) rgb[i * 3 + (i % width < width / 2 ? 0 : 2)] = 255;
  return sharp(rgb, { raw: { width, height, channels: 3 } });
}

function pixel(rgb: Uint8Array, x: number, y: number): number[] {
  return Array.from(rgb.subarray((y * size + x) * 3, (y * size + x) * 3 + 3));
}

describe("decodeSquare", () => {
  const formats: Record<string, () => Sharp> = {
    "RGB PNG": () => twoHalves(40, 30).png(),
    "16-bit PNG": () => twoHalves(40, 30).toColourspace("rgb16").png(),
    "PNG with alpha": () => twoHalves(40, 30).ensureAlpha().png(),
    JPEG: () => twoHalves(40, 30).jpeg({ quality: 100, chromaSubsampling: "4:4:4" }),
    "CMYK JPEG": () => twoHalves(40, 30).toColourspace("cmyk").jpeg({ quality: 100 }),
    WebP: () => twoHalves(40, 30).webp({ lossless: true }),
    GIF: () => twoHalves(40, 30).gif(),
  };
  test.for(Object.keys(formats))("reads %s as three 8-bit channels of the right colours", async (name) => {
    const rgb = await decodeSquare(await formats[name]!().toBuffer(), size);
    expect(rgb).toHaveLength(size * size * 3);
    const [red, blue] = [pixel(rgb, 0, 4), pixel(rgb, 7, 4)];
    expect(red[0]! - red[2]!).toBeGreaterThan(150);
    expect(blue[2]! - blue[0]!).toBeGreaterThan(90);
  });

  test("reads grey images, 8 and 16 bits, as equal channels", async () => {
    for (const space of ["b-w", "grey16"]) {
      const rgb = await decodeSquare(await twoHalves(40, 30).toColourspace(space).png().toBuffer(), size);
      expect(rgb).toHaveLength(size * size * 3);
      expect(new Set(pixel(rgb, 0, 0)).size).toBe(1);
    }
  });

  test("puts transparent pixels on mid-grey", async () => {
    const clear = {
      create: { width: 5, height: 5, channels: 4, background: { r: 255, g: 0, b: 0, alpha: 0 } },
    } as const;
    expect(pixel(await decodeSquare(await sharp(clear).png().toBuffer(), size), 3, 3)).toEqual([128, 128, 128]);
  });

  test("turns a photo upright by its EXIF orientation", async () => {
    const turned = await twoHalves(40, 30).withMetadata({ orientation: 6 }).jpeg({ quality: 100 }).toBuffer();
    expect(await readPhotoHeader(turned)).toEqual({ width: 30, height: 40, format: "jpeg" });
    const rgb = await decodeSquare(turned, size);
    expect(pixel(rgb, 4, 0)[0]).toBeGreaterThan(200);
    expect(pixel(rgb, 4, 7)[2]).toBeGreaterThan(200);
  });

  test("enlarges a 1x1 image", async () => {
    const rgb = await decodeSquare(await twoHalves(1, 1).png().toBuffer(), size);
    expect(new Set([...rgb]).size).toBe(2);
  });

  test("gives the same bytes twice", async () => {
    const photo = await twoHalves(401, 307).jpeg().toBuffer();
    expect(await decodeSquare(photo, 64)).toEqual(await decodeSquare(photo, 64));
  });

  test("refuses a JPEG that ends early, baseline or progressive, however large", async () => {
    for (const progressive of [false, true]) {
      const whole = await noise(1200, 900).jpeg({ progressive }).toBuffer();
      for (const share of [0.3, 0.95]) {
        const cut = whole.subarray(0, Math.floor(whole.length * share));
        await expect(decodeSquare(cut, 16)).rejects.toThrow(/cannot be decoded/);
      }
    }
  });

  test("refuses what is no image, with one code", async () => {
    const error = await decodeSquare(Buffer.from("hello"), 16).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(AppError);
    expect((error as AppError).code).toBe("DATA_BROKEN");
    await expect(decodeSquare(Buffer.alloc(0), 16)).rejects.toThrow(/cannot be decoded/);
  });

  test("lets through junk after the end of a JPEG, as some cameras write", async () => {
    const photo = Buffer.concat([await twoHalves(40, 30).jpeg().toBuffer(), Buffer.from("trailing junk")]);
    await expect(decodeSquare(photo, size)).resolves.toHaveLength(size * size * 3);
  });
});

describe("decodeUpright", () => {
  test("keeps the photo's own size, or fits it into maxSide without enlarging", async () => {
    const photo = await twoHalves(40, 30).withMetadata({ orientation: 6 }).jpeg().toBuffer();
    expect(await decodeUpright(photo)).toMatchObject({ width: 30, height: 40 });
    expect(await decodeUpright(photo, { maxSide: 20 })).toMatchObject({ width: 15, height: 20 });
    const large = await decodeUpright(photo, { maxSide: 500 });
    expect(large).toMatchObject({ width: 30, height: 40 });
    expect(large.rgb).toHaveLength(30 * 40 * 3);
  });
});

function noise(width: number, height: number): Sharp {
  const create = { width, height, channels: 3, background: "#888", noise: { type: "gaussian", mean: 128, sigma: 30 } };
  return sharp({ create: create as never });
}

test("pixels change only with the decoder's name, by which they are kept on disk", async () => {
  const pictures = [
    twoHalves(401, 307),
    twoHalves(5, 9),
    twoHalves(40, 30).ensureAlpha(0.5),
    twoHalves(40, 30).grayscale(),
  ];
  const hash = createHash("sha256");
  for (const picture of pictures) hash.update(await decodeSquare(await picture.png().toBuffer(), 32));
  hash.update(await decodeSquare(await twoHalves(40, 30).jpeg().toBuffer(), 32));
  // Another digest: count `revision` up, unless it is libvips that has changed, which has a version of its own.
  expect([JSON.parse(squareDecoder).revision, hash.digest("hex").slice(0, 16)]).toEqual([2, "479b9178ad373a11"]);
});
