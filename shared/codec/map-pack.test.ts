import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { AppError } from "../errors.js";
import { type ByteMap, decodeMapPack, encodeMapPack } from "./map-pack.js";

const maps = fc.array(
  fc
    .record({ image: fc.nat(5_000), height: fc.nat(9), width: fc.nat(9), channels: fc.integer({ min: 1, max: 3 }) })
    .chain((shape) => {
      const length = shape.height * shape.width * shape.channels;
      return fc.uint8Array({ minLength: length, maxLength: length }).map((data): ByteMap => ({ ...shape, data }));
    }),
  { maxLength: 5 },
);

function square(image: number, side: number): ByteMap {
  return { image, height: side, width: side, channels: 1, data: new Uint8Array(side * side).fill(image) };
}

test("what goes in comes out, at any offset of a larger buffer", () => {
  fc.assert(
    fc.property(maps, fc.nat(7), (list, offset) => {
      const pack = encodeMapPack(list);
      const shifted = new Uint8Array(pack.length + offset + 3);
      shifted.set(pack, offset);
      expect(decodeMapPack(shifted.subarray(offset, offset + pack.length))).toEqual(list);
    }),
  );
});

test("a label map of 256 x 256 with an object takes about a kilobyte", () => {
  const map = square(0, 256);
  for (let y = 80; y < 200; y++) map.data.fill(1, y * 256 + 60 + (y % 7), y * 256 + 180 - (y % 5));
  expect(encodeMapPack([map]).length).toBeLessThan(1_200);
});

describe("a damaged pack is an error, not a map", () => {
  const pack = encodeMapPack([square(1, 16), square(2, 16)]);
  const headerBytes = Buffer.from(pack.buffer, pack.byteOffset).readUInt32LE(4);

  /** The pack with another header. */
  function withHeader(change: (entries: Record<string, number>[]) => void): Uint8Array {
    const entries = JSON.parse(Buffer.from(pack.subarray(8, 8 + headerBytes)).toString()) as Record<string, number>[];
    change(entries);
    const header = Buffer.from(JSON.stringify(entries));
    const length = Buffer.alloc(4);
    length.writeUInt32LE(header.length);
    return Buffer.concat([pack.subarray(0, 4), length, header, pack.subarray(8 + headerBytes)]);
  }

  test.each([
    ["no bytes at all", new Uint8Array(0), "no header"],
    ["another kind of file", Buffer.from("PNG\r\n and more of it"), "no header"],
    ["a header that ends nowhere", pack.subarray(0, 12), "header too long"],
    ["cut in the last map", pack.subarray(0, pack.length - 2), "image 2 is cut short"],
    ["a map that claims more pixels than it has", withHeader((e) => (e[0]!.height = 17)), "not 272"],
    ["a map that claims gigabytes", withHeader((e) => (e[0]!.height = 1e9)), "would take"],
  ])("%s", (_, bytes, what) => {
    const decode = () => decodeMapPack(bytes);
    expect(decode).toThrow(AppError);
    expect(decode).toThrow(what);
  });

  test("cut anywhere", () => {
    for (let length = 0; length < pack.length; length += 3) {
      expect(() => decodeMapPack(pack.subarray(0, length)), `${length} bytes`).toThrow(AppError);
    }
  });

  test("any changed byte is an error of ours or leaves sizes that fit", () => {
    fc.assert(
      fc.property(fc.nat(pack.length - 1), fc.nat(255), (at, value) => {
        const changed = Uint8Array.from(pack);
        changed[at] = value;
        try {
          for (const { width, height, channels, data } of decodeMapPack(changed)) {
            expect(data.length).toBe(width * height * channels);
          }
        } catch (error) {
          expect(error).toMatchObject({ code: "DIGEST_MISMATCH" });
        }
      }),
    );
  });
});
