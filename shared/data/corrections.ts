/**
 * What a person says about the masks of a run's training photos: runs/<id>/corrections.json (docs/CORRECTIONS.md). The
 * file may be written at any time; a round takes what stands in it when the round begins.
 */
import { z } from "zod";

const share = z.number().min(0).max(1);

export const strokeSchema = z.strictObject({
  /** The class painted; null erases: background. */
  class: z.string().nullable(),
  /** Of the brush, as a share of the photo's longer side. */
  radius: z.number().positive().max(0.5),
  /** Shares of the photo's width and height; a line is drawn from each to the next. */
  points: z
    .array(z.tuple([share, share]))
    .min(1)
    .max(4000),
});

export const correctionSchema = z.strictObject({
  /** good: the mask of `version` stays as it is. bad: it teaches nothing, and the next one may differ in any way. */
  verdict: z.enum(["good", "bad"]).nullable(),
  /** Of the labels that the verdict is about; null where there is no verdict. */
  version: z.int().nonnegative().nullable(),
  /** The photo's true tags; null: those it came with. */
  tags: z.array(z.string()).max(254).nullable(),
  /** Later ones cover earlier ones. */
  strokes: z.array(strokeSchema).max(400),
});

export const correctionsSchema = z.strictObject({
  version: z.literal(1),
  /** By the photo's path in the manifest. */
  photos: z.record(z.string(), correctionSchema),
});

export type Stroke = z.infer<typeof strokeSchema>;
export type Correction = z.infer<typeof correctionSchema>;
export type Corrections = z.infer<typeof correctionsSchema>;

export const noCorrection: Correction = { verdict: null, version: null, tags: null, strokes: [] };
export const noCorrections: Corrections = { version: 1, photos: {} };

export function isEmpty({ verdict, tags, strokes }: Correction): boolean {
  return verdict === null && tags === null && strokes.length === 0;
}

/** A sentence about what does not fit the run, or null. */
export function misfitOf(
  { photos }: Corrections,
  known: { readonly classes: readonly string[]; readonly paths: ReadonlySet<string> },
): string | null {
  for (const [path, { verdict, version, tags, strokes }] of Object.entries(photos)) {
    if (!known.paths.has(path)) return `the run has no training photo "${path}"`;
    if ((verdict === null) !== (version === null)) return `${path}: a verdict and its version come together`;
    const names = [...(tags ?? []), ...strokes.flatMap((stroke) => stroke.class ?? [])];
    const unknown = names.find((name) => !known.classes.includes(name));
    if (unknown !== undefined) return `${path}: the run has no class "${unknown}"`;
  }
  return null;
}
