/** How far a run has come: all a resumed coordinator needs besides config and manifest. Written after every phase. */
import { z } from "zod";

const digest = z.string().regex(/^[0-9a-f]{64}$/);

const modelSchema = z.object({
  /** Round that trained it; 0 for the classifier. */
  round: z.int(),
  /** SHA-256 of the flat parameters; also the checkpoint's file name. */
  digest,
});

export const progressSchema = z.object({
  version: z.literal(1),
  phasesDone: z.int().nonnegative(),
  /** The last round, when the stop rule has ended the run before its maximum. */
  lastRound: z.int().nullable(),
  /** Engine whose bits the results are. */
  fingerprint: z.string().nullable(),
  classifier: modelSchema.nullable(),
  segmenter: modelSchema.nullable(),
  labels: z.object({ version: z.int(), packs: z.array(digest) }).nullable(),
  cams: z.array(digest).nullable(),
  /** Wall time of the sittings so far. */
  seconds: z.number(),
});
export type Progress = z.infer<typeof progressSchema>;

export const initialProgress: Progress = {
  version: 1,
  phasesDone: 0,
  lastRound: null,
  fingerprint: null,
  classifier: null,
  segmenter: null,
  labels: null,
  cams: null,
  seconds: 0,
};
