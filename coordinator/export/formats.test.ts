import { describe, expect, test } from "vitest";
import { cocoAnnotations, cocoCategories, cocoImage } from "./coco.js";
import { cvatHead, cvatImage, cvatTail } from "./cvat.js";
import type { ExportImage, ShapeOptions } from "./model.js";
import { yoloDataFile, yoloLines } from "./yolo.js";

/** 5 x 4: a class 1 block of 2 x 2, a class 2 pixel, an ignored pixel. */
const image: ExportImage = {
  id: 3,
  photo: 'horse/a "b".jpg',
  width: 5,
  height: 4,
  labels: Uint8Array.from(
    [
      [0, 0, 0, 0, 0],
      [0, 1, 1, 0, 2],
      [0, 1, 1, 0, 0],
      [0, 0, 0, 255, 0],
    ].flat(),
  ),
};
const polygon: ShapeOptions = { shape: "polygon", simplifyPixels: 0, areaMin: 1 };

describe("COCO", () => {
  test("an annotation per component: ids, area, box and polygon by hand", () => {
    expect(cocoAnnotations(image, polygon, 7)).toEqual([
      {
        id: 7,
        image_id: 3,
        category_id: 1,
        iscrowd: 0,
        area: 4,
        bbox: [1, 1, 2, 2],
        segmentation: [[3, 1, 3, 3, 1, 3, 1, 1]],
      },
      {
        id: 8,
        image_id: 3,
        category_id: 2,
        iscrowd: 0,
        area: 1,
        bbox: [4, 1, 1, 1],
        segmentation: [[5, 1, 5, 2, 4, 2, 4, 1]],
      },
    ]);
  });

  test("runs go down the columns of the whole image, background first", () => {
    const [block, pixel] = cocoAnnotations(image, { ...polygon, shape: "rle" }, 1);
    expect(block!.segmentation).toEqual({ size: [4, 5], counts: [5, 2, 2, 2, 9] });
    expect(pixel!.segmentation).toEqual({ size: [4, 5], counts: [17, 1, 2] });
    const [compressed] = cocoAnnotations(image, { ...polygon, shape: "rle-compressed" }, 1);
    expect(compressed!.segmentation).toEqual({ size: [4, 5], counts: "52207" });
  });

  test("small components are left out on request; categories and images carry what readers look for", () => {
    expect(cocoAnnotations(image, { ...polygon, areaMin: 2 }, 1).map(({ area }) => area)).toEqual([4]);
    expect(cocoCategories(["horse"])).toEqual([{ id: 1, name: "horse", supercategory: "" }]);
    expect(cocoImage(image)).toEqual({ id: 3, file_name: 'horse/a "b".jpg', width: 5, height: 4 });
  });
});

test("YOLO: class index from 0, coordinates as shares of the sides, a line per component", () => {
  expect(yoloLines(image, polygon)).toEqual([
    "0 0.6 0.25 0.6 0.75 0.2 0.75 0.2 0.25",
    "1 1 0.25 1 0.5 0.8 0.5 0.8 0.25",
  ]);
  expect(yoloDataFile(["horse", 'a "b"'])).toContain('names:\n  0: "horse"\n  1: "a \\"b\\""\n');
});

describe("CVAT", () => {
  const classes = ["horse", "<zebra>"];

  test("a polygon per component, names escaped", () => {
    const text = cvatImage(image, classes, polygon);
    expect(text).toContain('<image id="2" name="horse/a &#34;b&#34;.jpg" width="5" height="4">');
    expect(text).toContain('<polygon label="horse" source="auto" occluded="0" points="3,1;3,3;1,3;1,1" z_order="0">');
    expect(text).toContain('label="&#60;zebra&#62;"');
  });

  test("masks are runs along the rows of the box", () => {
    const text = cvatImage(image, classes, { ...polygon, shape: "rle" });
    expect(text).toContain('rle="0, 4" left="1" top="1" width="2" height="2"');
  });

  test("the file is balanced and lists the labels with their colours", () => {
    const text = cvatHead(classes, "run-1") + cvatImage(image, classes, polygon) + cvatTail;
    for (const name of ["annotations", "meta", "labels", "label", "image", "polygon"]) {
      const [opened, closed] = [`<${name}[ >]`, `</${name}>`].map((tag) => text.match(new RegExp(tag, "g"))?.length);
      expect([name, opened]).toEqual([name, closed]);
    }
    expect(text).toContain("<name>horse</name><color>#ff7a1a</color>");
  });
});
