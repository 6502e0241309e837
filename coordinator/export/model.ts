/** What every export format is made from. Masks come one by one: a data set's worth does not fit in memory. */

export interface ExportImage {
  /** 1.., in the order of the masks. */
  readonly id: number;
  /** The photo's path relative to its data set, with forward slashes. */
  readonly photo: string;
  readonly width: number;
  readonly height: number;
  /** Class ids, [height, width]; 0 background, 255 ignore. */
  readonly labels: Uint8Array;
}

/** polygon: along pixel borders; rle and rle-compressed: exact runs of pixels, as COCO and CVAT define them. */
export type Shape = "polygon" | "rle" | "rle-compressed";

export interface ShapeOptions {
  readonly shape: Shape;
  /** How far a simplified polygon may leave the pixels' border, pixels; 0: not at all. */
  readonly simplifyPixels: number;
  /** Smaller components are left out, pixels. */
  readonly areaMin: number;
}
