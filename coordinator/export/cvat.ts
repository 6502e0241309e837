/** CVAT for images 1.1 (docs.cvat.ai, "CVAT XML"): a polygon or a mask per connected component. */
import { overlayColor } from "../../shared/data/overlay.js";
import { type Component, componentsOf } from "./components.js";
import type { ExportImage, ShapeOptions } from "./model.js";
import { polygonOf } from "./polygons.js";
import { cvatCounts } from "./rle.js";

/** Goes before the images; `cvatTail` after them. */
export function cvatHead(classes: readonly string[], taskName: string): string {
  const labels = classes.map((name, index) => {
    const color = overlayColor(index + 1)
      .map((channel) => channel.toString(16).padStart(2, "0"))
      .join("");
    return `      <label><name>${xml(name)}</name><color>#${color}</color><type>any</type><attributes></attributes></label>`;
  });
  return `<?xml version="1.0" encoding="utf-8"?>
<annotations>
  <version>1.1</version>
  <meta>
    <task>
      <name>${xml(taskName)}</name>
      <labels>
${labels.join("\n")}
      </labels>
    </task>
  </meta>
`;
}

export const cvatTail = "</annotations>\n";

export function cvatImage(image: ExportImage, classes: readonly string[], options: ShapeOptions): string {
  const { photo, width, height } = image;
  const objects = componentsOf(image.labels, width, height, options.areaMin);
  const shapes = objects.map((object) => `    ${shapeOf(object, classes[object.classId - 1]!, options)}\n`);
  // CVAT counts images from 0.
  const attributes = `id="${image.id - 1}" name="${xml(photo)}" width="${width}" height="${height}"`;
  return `  <image ${attributes}>\n${shapes.join("")}  </image>\n`;
}

function shapeOf(object: Component, className: string, { shape, simplifyPixels }: ShapeOptions): string {
  const common = `label="${xml(className)}" source="auto" occluded="0"`;
  if (shape === "polygon") {
    const points = polygonOf(object, simplifyPixels).map(([x, y]) => `${x},${y}`);
    return `<polygon ${common} points="${points.join(";")}" z_order="0"></polygon>`;
  }
  const { x, y, width, height } = object;
  const box = `left="${x}" top="${y}" width="${width}" height="${height}"`;
  return `<mask ${common} rle="${cvatCounts(object).join(", ")}" ${box} z_order="0"></mask>`;
}

function xml(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
}
