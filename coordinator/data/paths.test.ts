import fc from "fast-check";
import { expect, test } from "vitest";
import { compareBytewise, extensionOf, fileKind, withoutExtension } from "./paths.js";

test("paths are ordered by their UTF-8 bytes, whatever the characters", () => {
  const text = fc.string({ unit: "grapheme", maxLength: 6 });
  fc.assert(
    fc.property(text, text, (a, b) => {
      expect(Math.sign(compareBytewise(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
    }),
  );
  expect(compareBytewise("\u{1f40e}", "\uff5e")).toBeGreaterThan(0);
});

test("a leading dot is no extension", () => {
  expect(extensionOf("horse/.jpg")).toBe("");
  expect(withoutExtension("horse.old/a.b.JPG")).toBe("horse.old/a.b");
  expect(fileKind("a.JPEG")).toBe("image");
  expect(fileKind("a.heic")).toBe("unsupported");
  expect(fileKind("horse.jpg/notes.txt")).toBe("other");
});
