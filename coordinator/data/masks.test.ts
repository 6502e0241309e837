import { expect, test } from "vitest";
import { type MaskSeeker, matchMasks } from "./masks.js";

const folders = { train: "train", val: "val" };
const train = (path: string): MaskSeeker => ({ split: "train", path });
const val = (path: string): MaskSeeker => ({ split: "val", path });

function pairs(images: MaskSeeker[], masks: string[]): string[] {
  return matchMasks(images, masks, folders).pairs.map(
    ({ image, maskPath }) => `${image.split} ${image.path} ${maskPath}`,
  );
}

test("masks/<split>/<path>.png goes before masks/<path>.png", () => {
  const masks = ["train/horse/a.png", "val/horse/a.png", "horse/b.PNG"];
  expect(pairs([train("horse/a.jpg"), val("horse/a.jpg"), train("horse/b.jpeg")], masks)).toEqual([
    "train horse/a.jpg train/horse/a.png",
    "val horse/a.jpg val/horse/a.png",
    "train horse/b.jpeg horse/b.PNG",
  ]);
});

test("a file name that is unique on both sides is enough", () => {
  expect(pairs([train("trainA/n01.jpg")], ["anywhere/n01.png"])).toEqual(["train trainA/n01.jpg anywhere/n01.png"]);
});

test("a file name that several photos or several masks share is not", () => {
  expect(pairs([train("horse/1.jpg"), train("zebra/1.jpg")], ["x/1.png"])).toEqual([]);
  expect(pairs([train("horse/1.jpg")], ["x/1.png", "y/1.png"])).toEqual([]);
});

test("a mask that a training and a validation photo claim belongs to neither", () => {
  const { pairs: matched, contested } = matchMasks(
    [train("horse/1.jpg"), val("horse/1.jpg")],
    ["horse/1.png"],
    folders,
  );
  expect(matched).toEqual([]);
  expect(contested).toHaveLength(1);
});

test("masks without a photo are counted, other files are not masks", () => {
  expect(matchMasks([train("horse/1.jpg")], ["horse/1.jpg", "lost.png"], folders).unused).toEqual(["lost.png"]);
});
