import fc from "fast-check";
import { expect, test } from "vitest";
import { bytesOf, float32Of, sha256 } from "./digest.js";

test("a digest is SHA-256 in lower-case hex (FIPS 180-4, example of one block)", () => {
  expect(sha256(Buffer.from("abc"))).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
});

test("floats survive the way through bytes at any alignment, as Uint8Array and as Buffer", () => {
  fc.assert(
    fc.property(fc.float32Array(), fc.nat(9), fc.boolean(), (values, offset, asBuffer) => {
      const holder = new Uint8Array(values.byteLength + offset + 5);
      holder.set(bytesOf(values), offset);
      const bytes = holder.subarray(offset, offset + values.byteLength);
      expect(float32Of(asBuffer ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength) : bytes)).toEqual(
        values,
      );
    }),
  );
});

test("aligned bytes are viewed, not copied", () => {
  const values = Float32Array.of(1, 2, 3);
  expect(float32Of(bytesOf(values)).buffer).toBe(values.buffer);
});
