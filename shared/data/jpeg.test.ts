import sharp, { type Sharp } from "sharp";
import { describe, expect, test } from "vitest";
import { squarePlainJpeg } from "./jpeg.js";
import { resampleToSquare } from "./resample.js";

const [width, height] = [61, 43];
const size = 32;

function photo(): Sharp {
  const noise = { type: "gaussian", mean: 128, sigma: 30 } as const;
  return sharp({ create: { width, height, channels: 3, background: "#888", noise } });
}

function plain(): Promise<Buffer> {
  return photo().jpeg({ quality: 90 }).toBuffer();
}

function squared(bytes: Uint8Array, side = size): Promise<Uint8Array | null> {
  return squarePlainJpeg(bytes, side, new Uint8Array(side * side * 3));
}

/** What libvips decodes, squashed. */
async function expectedOf(bytes: Uint8Array, side = size): Promise<Uint8Array> {
  const { data, info } = await sharp(bytes).toColourspace("srgb").raw().toBuffer({ resolveWithObject: true });
  return resampleToSquare({ width: info.width, height: info.height, rgb: data }, side, new Uint8Array(side * side * 3));
}

describe("squarePlainJpeg", () => {
  const ours: Record<string, () => Promise<Buffer>> = {
    "colours, every second one": plain,
    "all colours": () => photo().jpeg({ chromaSubsampling: "4:4:4" }).toBuffer(),
    grey: () => photo().toColourspace("b-w").jpeg().toBuffer(),
    "junk behind its end": async () => Buffer.concat([await plain(), Buffer.from("junk")]),
  };
  test.for(Object.keys(ours))("decodes what libvips decodes: %s", async (name) => {
    const bytes = await ours[name]!();
    expectClose(await squared(bytes), await expectedOf(bytes));
  });

  test("a photo that is such a square stays as it is", async () => {
    const bytes = await photo().resize(size, size).jpeg().toBuffer();
    expectClose(await squared(bytes), await expectedOf(bytes));
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
    expect(await squared(await others[name]!())).toBeNull();
  });

  test("leaves what has a side of twice the square's", async () => {
    const bytes = await photo().resize(40, 20).jpeg().toBuffer();
    expect(await squared(bytes, 20)).toBeNull();
    expect(await squared(bytes, 21)).not.toBeNull();
  });

  test("many at once, whole and damaged, each have memory of their own", async () => {
    const photos = await Promise.all(
      Array.from({ length: 40 }, (_, i) =>
        sharp({ create: { width, height, channels: 3, background: { r: 6 * i, g: 99, b: 99 } } })
          .jpeg()
          .toBuffer(),
      ),
    );
    const got = await Promise.all(photos.map((bytes, i) => squared(i % 5 === 4 ? bytes.subarray(0, -99) : bytes)));
    for (const [i, square] of got.entries()) {
      if (i % 5 === 4) expect(square).toBeNull();
      else expect(Math.abs(square![0]! - 6 * i)).toBeLessThan(4);
    }
  });

  test("reads bytes that lie within others", async () => {
    const bytes = await plain();
    const around = new Uint8Array(new SharedArrayBuffer(bytes.length + 20));
    around.set(bytes, 7);
    expect(await squared(around.subarray(7, 7 + bytes.length))).toEqual(await squared(bytes));
  });
});

/** The fast cosine transform rounds otherwise: most by a level, few by more. */
function expectClose(got: Uint8Array | null, expected: Uint8Array): void {
  const apart = got!.map((value, at) => Math.abs(value - expected[at]!));
  expect(apart.reduce((sum, value) => sum + value, 0) / expected.length).toBeLessThan(1.5);
  expect(Math.max(...apart)).toBeLessThan(16);
}

/** The same with another height and width in its frame's header. */
function withSize(bytes: Buffer, wide: number, high: number): Buffer {
  const at = bytes.indexOf(Buffer.from([0xff, 0xc0]));
  bytes.writeUInt16BE(high, at + 5);
  bytes.writeUInt16BE(wide, at + 7);
  return bytes;
}
