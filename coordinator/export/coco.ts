/** COCO object detection (cocodataset.org, "Data format"): one annotation per connected component. */
import { type Component, componentsOf } from "./components.js";
import type { ExportImage, ShapeOptions } from "./model.js";
import { polygonOf } from "./polygons.js";
import { cocoCounts, compressCounts } from "./rle.js";

export interface CocoRle {
  /** [height, width]. */
  readonly size: readonly [number, number];
  readonly counts: readonly number[] | string;
}

export interface CocoAnnotation {
  readonly id: number;
  readonly image_id: number;
  readonly category_id: number;
  readonly iscrowd: 0;
  /** Pixels. */
  readonly area: number;
  /** [x, y, width, height], pixels. */
  readonly bbox: readonly [number, number, number, number];
  readonly segmentation: readonly (readonly number[])[] | CocoRle;
}

/** `firstId`: annotation ids are unique in a file. */
export function cocoAnnotations(image: ExportImage, options: ShapeOptions, firstId: number): CocoAnnotation[] {
  const { labels, width, height } = image;
  return componentsOf(labels, width, height, options.areaMin).map((object, index) => {
    return {
      id: firstId + index,
      image_id: image.id,
      category_id: object.classId,
      iscrowd: 0,
      area: object.area,
      bbox: [object.x, object.y, object.width, object.height],
      segmentation: segmentationOf(object, image, options),
    };
  });
}

export function cocoImage({ id, photo, width, height }: ExportImage) {
  return { id, file_name: photo, width, height };
}

export function cocoCategories(classes: readonly string[]) {
  return classes.map((name, index) => ({ id: index + 1, name, supercategory: "" }));
}

function segmentationOf(
  object: Component,
  { width, height }: ExportImage,
  { shape, simplifyPixels }: ShapeOptions,
): CocoAnnotation["segmentation"] {
  if (shape === "polygon") return [polygonOf(object, simplifyPixels).flat()];
  const counts = cocoCounts(object, width, height);
  return { size: [height, width], counts: shape === "rle" ? counts : compressCounts(counts) };
}
