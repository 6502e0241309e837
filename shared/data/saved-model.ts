/** A trained model on disk: model/seedgrow-model.json beside the parameters and the backbone's files. */
import { z } from "zod";
import { methodConfigSchema } from "../config/method.js";

export const savedModelFile = "seedgrow-model.json";

export const savedModelSchema = z.object({
  version: z.literal(1),
  seedgrowVersion: z.string(),
  runId: z.string(),
  seed: z.int(),
  /** Tags in the order of their class ids. */
  classes: z.array(z.string()),
  method: methodConfigSchema,
  /** Round that trained it. */
  round: z.int(),
  /** Flat f32 parameters, little-endian, and their SHA-256. */
  params: z.object({ file: z.string(), digest: z.string() }),
  backbone: z.object({ modelJson: z.string(), weights: z.string(), sidecar: z.string().nullable() }).nullable(),
});
export type SavedModel = z.infer<typeof savedModelSchema>;
