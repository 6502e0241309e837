/**
 * Corrections as a round uses them: made once when the round begins, kept in the run's folder, pulled by the workers by
 * digest. A map pack holds the pixels that are fixed; this catalogue names it. Both are plain data, so that the same
 * corrections give the same bits wherever they are applied.
 */
import { z } from "zod";
import type { ByteMap } from "../codec/map-pack.js";
import { BACKGROUND, IGNORE } from "./label-ids.js";

export const constraintCatalogueSchema = z.strictObject({
  version: z.literal(1),
  round: z.int().positive(),
  images: z.array(
    z.strictObject({
      image: z.int().nonnegative(),
      /** Class ids, ascending, in place of the manifest's; null: the manifest's. */
      tags: z.array(z.int().positive()).nullable(),
      /** The mask so far teaches nothing, and need not be kept. */
      isRejected: z.boolean(),
    }),
  ),
  /** SHA-256 of the pack of fixed pixels. */
  pack: z.string(),
});
export type ConstraintCatalogue = z.infer<typeof constraintCatalogueSchema>;

export interface ImageConstraint {
  readonly tags: readonly number[] | null;
  readonly isRejected: boolean;
  /** [S, S, 2]: 1 where the pixel is fixed, and its label; null: none is. */
  readonly fixed: Uint8Array | null;
}

export type RoundConstraints = ReadonlyMap<number, ImageConstraint>;

export function constraintsOf({ images }: ConstraintCatalogue, maps: readonly ByteMap[]): RoundConstraints {
  const fixed = new Map(maps.map(({ image, data }) => [image, data]));
  return new Map(
    images.map(({ image, tags, isRejected }) => [image, { tags, isRejected, fixed: fixed.get(image) ?? null }]),
  );
}

/** New labels: classes that the photo has not go, fixed pixels are as they were fixed. */
export function respecting(labels: Uint8Array, { tags, fixed }: ImageConstraint): Uint8Array {
  const out = labels.slice();
  if (tags) {
    // Without any tag all is background; else nobody knows what the wrong class covers.
    const instead = tags.length === 0 ? BACKGROUND : IGNORE;
    for (let i = 0; i < out.length; i++) {
      const id = out[i]!;
      if (id !== BACKGROUND && id !== IGNORE && !tags.includes(id)) out[i] = instead;
    }
  }
  if (fixed) for (let i = 0; i < out.length; i++) if (fixed[2 * i] === 1) out[i] = fixed[2 * i + 1]!;
  return out;
}

/** Labels to train on: of a rejected mask only the fixed pixels count. */
export function trainable(labels: Uint8Array, constraint: ImageConstraint): Uint8Array {
  const base = constraint.isRejected ? new Uint8Array(labels.length).fill(IGNORE) : labels;
  return respecting(base, constraint);
}
