/**
 * Run-length codes of a binary mask. COCO's (cocoapi, maskApi.c) go column by column through the whole image and
 * alternate background, object, background...; CVAT's go row by row through the object's box.
 */
import type { Component } from "./components.js";

/** Runs down the columns of the image; the first is background and may be 0. */
export function cocoCounts(object: Component, imageWidth: number, imageHeight: number): number[] {
  const counts: number[] = [];
  let [run, inside] = [object.x * imageHeight + object.y, 0];
  const below = imageHeight - object.y - object.height;
  for (let x = 0; x < object.width; x++) {
    for (let y = 0; y < object.height; y++) {
      const value = object.mask[y * object.width + x]!;
      if (value !== inside) {
        counts.push(run);
        [run, inside] = [0, value];
      }
      run++;
    }
    const gap =
      x === object.width - 1 ? below + (imageWidth - object.x - object.width) * imageHeight : below + object.y;
    if (gap > 0 && inside === 1) {
      counts.push(run);
      [run, inside] = [0, 0];
    }
    run += gap;
  }
  counts.push(run);
  return counts;
}

/** [height, width], row by row. @throws RangeError when the runs do not fill the image. */
export function cocoMask(counts: readonly number[], width: number, height: number): Uint8Array {
  const total = counts.reduce((sum, run) => sum + run, 0);
  if (total !== width * height) throw new RangeError(`runs of ${total} pixels for an image of ${width}x${height}`);
  const mask = new Uint8Array(width * height);
  let at = 0;
  for (const [index, run] of counts.entries()) {
    const end = at + run;
    for (; at < end; at++) {
      if (index % 2 === 1) mask[(at % height) * width + Math.floor(at / height)] = 1;
    }
  }
  return mask;
}

/** COCO's "compressed" runs: differences to the run before last, 5 bits a character, least significant first. */
export function compressCounts(counts: readonly number[]): string {
  let text = "";
  for (const [index, count] of counts.entries()) {
    let rest = index > 2 ? count - counts[index - 2]! : count;
    let more = true;
    while (more) {
      let bits = rest & 0x1f;
      rest >>= 5;
      more = bits & 0x10 ? rest !== -1 : rest !== 0;
      if (more) bits |= 0x20;
      text += String.fromCharCode(bits + 48);
    }
  }
  return text;
}

export function expandCounts(text: string): number[] {
  const counts: number[] = [];
  let [value, shift] = [0, 0];
  for (let i = 0; i < text.length; i++) {
    const bits = text.charCodeAt(i) - 48;
    value |= (bits & 0x1f) << shift;
    shift += 5;
    if (bits & 0x20) continue;
    if (bits & 0x10 && shift < 32) value |= -1 << shift;
    counts.push(counts.length > 2 ? value + counts[counts.length - 2]! : value);
    [value, shift] = [0, 0];
  }
  return counts;
}

/** Of a whole label map's class, for answers that carry one mask per class. */
export function classCounts(labels: Uint8Array, width: number, height: number, classId: number): number[] {
  const mask = labels.map((label) => (label === classId ? 1 : 0));
  return cocoCounts({ classId, area: 0, x: 0, y: 0, width, height, mask }, width, height);
}

/** CVAT's: runs along the rows of the object's box, background first. */
export function cvatCounts({ mask }: Component): number[] {
  const counts: number[] = [];
  let [run, inside] = [0, 0];
  for (const value of mask) {
    if (value !== inside) {
      counts.push(run);
      [run, inside] = [0, value];
    }
    run++;
  }
  counts.push(run);
  return counts;
}
