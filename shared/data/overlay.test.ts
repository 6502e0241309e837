import { expect, test } from "vitest";
import { colorMap, overlayColor, overlayHeat, overlayLabels, resizeLabels } from "./overlay.js";

const width = 9;
const photo = new Uint8Array(width * width * 3).fill(100);

function block(label: number): Uint8Array {
  return Uint8Array.from({ length: width * width }, (_, i) => {
    const [x, y] = [i % width, Math.floor(i / width)];
    return x >= 2 && x < 7 && y >= 2 && y < 7 ? label : 0;
  });
}

function pixel(picture: Uint8Array, x: number, y: number): number[] {
  return [...picture.subarray((y * width + x) * 3, (y * width + x) * 3 + 3)];
}

test("an object is tinted, its contour is pure class colour, the background stays the photo", () => {
  const picture = overlayLabels(photo, block(2), width, width, { opacity: 0.5 });
  expect(pixel(picture, 0, 0)).toEqual([100, 100, 100]);
  expect(pixel(picture, 2, 4)).toEqual([...overlayColor(2)]);
  expect(pixel(picture, 4, 4)).toEqual(overlayColor(2).map((channel) => Math.round((channel + 100) / 2)));
  expect(photo.every((value) => value === 100)).toBe(true);
  expect(pixel(overlayLabels(photo, block(2), width, width, { background: "grey" }), 0, 0)).toEqual([65, 65, 65]);
});

test("a thicker contour grows inwards; the frame is not a contour", () => {
  const thick = overlayLabels(photo, block(1), width, width, { contourPixels: 2 });
  expect(pixel(thick, 3, 4)).toEqual([...overlayColor(1)]);
  const full = overlayLabels(photo, new Uint8Array(width * width).fill(1), width, width, { opacity: 0 });
  expect(full).toEqual(photo);
});

test("ignored pixels are hatched in grey", () => {
  const picture = overlayLabels(photo, block(255), width, width);
  const seen = new Set([pixel(picture, 3, 3).join(), pixel(picture, 4, 4).join()]);
  expect(seen).toEqual(new Set(["194,194,194", "131,131,131"]));
});

test("heat gets steadily lighter", () => {
  const colors = colorMap(Uint8Array.from({ length: 256 }, (_, value) => value));
  const luma = (i: number) => 0.2126 * colors[i * 3]! + 0.7152 * colors[i * 3 + 1]! + 0.0722 * colors[i * 3 + 2]!;
  expect([...colors.subarray(0, 3), ...colors.subarray(765)]).toEqual([0, 0, 4, 252, 255, 164]);
  for (let value = 8; value < 256; value++) expect(luma(value)).toBeGreaterThan(luma(value - 8));
  expect([...overlayHeat(photo.subarray(0, 3), Uint8Array.of(255), 0.5)]).toEqual([176, 178, 132]);
});

test("resizing never invents a label", () => {
  const big = resizeLabels(Uint8Array.from([0, 2, 255, 1]), { width: 2, height: 2 }, { width: 4, height: 2 });
  expect([...big]).toEqual([0, 0, 2, 2, 255, 255, 1, 1]);
  expect([...resizeLabels(big, { width: 4, height: 2 }, { width: 2, height: 2 })]).toEqual([0, 2, 255, 1]);
});
