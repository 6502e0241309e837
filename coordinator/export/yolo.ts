/** YOLO segmentation labels (docs.ultralytics.com, "Instance segmentation datasets"): a line per connected component. */
import { componentsOf } from "./components.js";
import type { ExportImage, ShapeOptions } from "./model.js";
import { polygonOf } from "./polygons.js";

/** Of a side's length: a tenth of a pixel at 10,000 pixels. */
const digits = 5;

/** "class x1 y1 x2 y2 ...": class index from 0, coordinates as shares of the image's sides. */
export function yoloLines({ labels, width, height }: ExportImage, options: ShapeOptions): string[] {
  return componentsOf(labels, width, height, options.areaMin).map((object) => {
    const points = polygonOf(object, options.simplifyPixels).flatMap(([x, y]) => [share(x, width), share(y, height)]);
    return [object.classId - 1, ...points].join(" ");
  });
}

/** data.yaml beside images/ and labels/. JSON strings are YAML strings. */
export function yoloDataFile(classes: readonly string[]): string {
  const names = classes.map((name, index) => `  ${index}: ${JSON.stringify(name)}`);
  return `# Masks exported by seedgrow. Photos belong in images/, under the paths of the files in labels/.
path: .
train: images
val: images
names:
${names.join("\n")}
`;
}

function share(value: number, side: number): string {
  return String(Number((value / side).toFixed(digits)));
}
