/** The data manifest: what the coordinator indexed, what every worker goes by. Written once per run as manifest.json. */
import { z } from "zod";

export const digestSchema = z.string().regex(/^[0-9a-f]{64}$/);

export const imageEntrySchema = z.object({
  /** Path relative to the indexed folder, with forward slashes; unique within a split; the order of images. */
  path: z.string().refine(isBelow, "a path that leads out of the folder"),
  /** SHA-256 of the file's bytes. */
  digest: digestSchema,
  bytes: z.int().positive(),
  /** Upright size in pixels (after EXIF rotation). */
  width: z.int().positive(),
  height: z.int().positive(),
  /** Class ids (1..K, ascending); empty for a negative. */
  tags: z.array(z.int().positive()),
  /** SHA-256 of the true mask's file, where one is known. For measuring only. */
  maskDigest: digestSchema.nullable(),
});

/** Masks are written under these paths. */
function isBelow(path: string): boolean {
  return path !== "" && !path.startsWith("/") && !path.split(/[/\\]/).includes("..") && !path.includes("\0");
}

export const splitSchema = z
  .object({
    /** Absolute folder on the coordinator's disk. */
    root: z.string(),
    images: z.array(imageEntrySchema),
    /** Canonical shards: image indices, a partition of `images`, independent of the number of workers. */
    shards: z.array(z.array(z.int().nonnegative())),
  })
  .refine(({ images, shards }) => {
    const listed = shards.flat();
    return (
      listed.length === images.length &&
      new Set(listed).size === listed.length &&
      listed.every((i) => i < images.length)
    );
  }, "shards that are no partition of the images");

export const manifestSchema = z
  .object({
    version: z.literal(1),
    /** Tags; class id = index + 1; 0 is background, 255 is ignore. */
    classes: z.array(z.string()).min(1),
    train: splitSchema,
    val: splitSchema.nullable(),
  })
  .refine(({ classes, train, val }) => {
    return [train, val].every(
      (split) => split?.images.every(({ tags }) => tags.every((tag) => tag <= classes.length)) ?? true,
    );
  }, "a tag that is no class");

export type ImageEntry = z.infer<typeof imageEntrySchema>;
export type Split = z.infer<typeof splitSchema>;
export type Manifest = z.infer<typeof manifestSchema>;
export type SplitName = "train" | "val";

export { BACKGROUND, CLASS_COUNT_MAX, IGNORE } from "./label-ids.js";
