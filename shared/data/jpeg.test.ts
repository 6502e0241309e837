import sharp, { type Sharp } from "sharp";
import { describe, expect, test } from "vitest";
import { usePlainJpeg } from "./jpeg.js";
import type { Picture } from "./resample.js";

const [width, height] = [61, 43];

function photo(): Sharp {
  const noise = { type: "gaussian", mean: 128, sigma: 30 } as const;
  return sharp({ create: { width, height, channels: 3, background: "#888", noise } });
}

function plain(): Promise<Buffer> {
  return photo().jpeg({ quality: 90 }).toBuffer();
}

/** A copy: the memory is the next photo's. */
function decoded(bytes: Uint8Array, sideEnd: number): Promise<Picture | null> {
  return usePlainJpeg(bytes, sideEnd, (picture) => ({ ...picture, rgb: Uint8Array.from(picture.rgb) }));
}

describe("usePlainJpeg", () => {
  const ours: Record<string, () => Promise<Buffer>> = {
    "colours, every second one": plain,
    "all colours": () => photo().jpeg({ chromaSubsampling: "4:4:4" }).toBuffer(),
    grey: () => photo().toColourspace("b-w").jpeg().toBuffer(),
    "junk behind its end": async () => Buffer.concat([await plain(), Buffer.from("junk")]),
  };
  test.for(Object.keys(ours))("decodes what libvips decodes: %s", async (name) => {
    const bytes = await ours[name]!();
    const got = await decoded(bytes, 64);
    const expected = await sharp(bytes).toColourspace("srgb").raw().toBuffer();
    expect(got).toMatchObject({ width, height });
    expect(got!.rgb).toHaveLength(expected.length);
    // The fast cosine transform rounds otherwise: most by a level, few by more.
    const apart = got!.rgb.map((value, at) => Math.abs(value - expected[at]!));
    expect(apart.reduce((sum, value) => sum + value, 0) / apart.length).toBeLessThan(1.5);
    expect(Math.max(...apart)).toBeLessThan(16);
  });

  const others: Record<string, () => Promise<Buffer>> = {
    "which way is up": () => photo().withMetadata({ orientation: 6 }).jpeg().toBuffer(),
    "a colour profile": () => photo().withIccProfile("p3").jpeg().toBuffer(),
    CMYK: () => photo().toColourspace("cmyk").jpeg().toBuffer(),
    "several passes": () => photo().jpeg({ progressive: true }).toBuffer(),
    "another format": () => photo().png().toBuffer(),
    "only its beginning": async () => (await plain()).subarray(0, 30),
    "most of it": async () => (await plain()).subarray(0, -200),
    "no size": async () => withSize(await plain(), 0, 0),
    "another size than it says": async () => withSize(await plain(), width, height + 16),
    nothing: async () => Buffer.alloc(0),
  };
  test.for(Object.keys(others))("leaves to libvips: %s", async (name) => {
    expect(await decoded(await others[name]!(), 64)).toBeNull();
  });

  test("leaves what is larger than asked for", async () => {
    expect(await decoded(await plain(), width)).toBeNull();
    expect(await decoded(await plain(), width + 1)).not.toBeNull();
  });

  test("many at once, whole and damaged, each have memory of their own", async () => {
    const photos = await Promise.all(
      Array.from({ length: 40 }, (_, i) =>
        sharp({ create: { width, height, channels: 3, background: { r: 6 * i, g: 99, b: 99 } } })
          .jpeg()
          .toBuffer(),
      ),
    );
    const got = await Promise.all(photos.map((bytes, i) => decoded(i % 5 === 4 ? bytes.subarray(0, -99) : bytes, 64)));
    for (const [i, picture] of got.entries()) {
      if (i % 5 === 4) expect(picture).toBeNull();
      else expect(Math.abs(picture!.rgb[0]! - 6 * i)).toBeLessThan(4);
    }
  });

  test("reads bytes that lie within others", async () => {
    const bytes = await plain();
    const around = new Uint8Array(new SharedArrayBuffer(bytes.length + 20));
    around.set(bytes, 7);
    const within = await decoded(around.subarray(7, 7 + bytes.length), 64);
    expect(within!.rgb).toEqual((await decoded(bytes, 64))!.rgb);
  });
});

/** The same with another height and width in its frame's header. */
function withSize(bytes: Buffer, wide: number, high: number): Buffer {
  const at = bytes.indexOf(Buffer.from([0xff, 0xc0]));
  bytes.writeUInt16BE(high, at + 5);
  bytes.writeUInt16BE(wide, at + 7);
  return bytes;
}
