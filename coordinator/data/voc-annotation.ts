/** A PASCAL VOC annotation (one XML per image): which classes are in it. Boxes are not used. Pure. */
import { XMLParser } from "fast-xml-parser";
import { z } from "zod";
import { AppError } from "../../shared/errors.js";
import { compareBytewise } from "./paths.js";

/** In the order of the ids of VOC's masks. */
export const vocClasses: readonly string[] = [
  ...["aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow", "diningtable", "dog"],
  ...["horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor"],
];

const annotationSchema = z.object({
  annotation: z.object({
    filename: z.string().optional(),
    object: z.array(z.object({ name: z.string() })).default([]),
  }),
});

export interface VocAnnotation {
  readonly filename: string | null;
  /** Distinct, in bytewise order. Difficult objects count: their image must not pass for a negative. */
  readonly classes: readonly string[];
}

/** @throws AppError DATA_TAGS */
export function readVocAnnotation(xml: string): VocAnnotation {
  // Entities are expanded by nobody: a few lines of XML can name gigabytes.
  const parser = new XMLParser({ processEntities: false, parseTagValue: false, isArray: (name) => name === "object" });
  try {
    const { annotation } = annotationSchema.parse(parser.parse(xml, true));
    const names = annotation.object.map(({ name }) => name.trim());
    return { filename: annotation.filename ?? null, classes: [...new Set(names)].sort(compareBytewise) };
  } catch (cause) {
    throw new AppError("DATA_TAGS", "it is not a PASCAL VOC annotation", { cause });
  }
}
