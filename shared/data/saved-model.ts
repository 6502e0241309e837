/** A trained model on disk: model/seedgrow-model.json beside the parameters and the backbone's files. */
import { z } from "zod";
import { methodConfigSchema } from "../config/method.js";
import { CLASS_COUNT_MAX } from "./manifest.js";

export const savedModelFile = "seedgrow-model.json";

/** Relative to the model's folder, and inside it. */
const partName = z.string().regex(/^(?!.*\.\.)[\w.-]+(\/[\w.-]+)*$/, "a file name inside the model's folder");

export const savedModelSchema = z.object({
  version: z.literal(1),
  seedgrowVersion: z.string(),
  runId: z.string(),
  seed: z.int(),
  /** Tags in the order of their class ids. */
  classes: z.array(z.string()).min(1).max(CLASS_COUNT_MAX),
  method: methodConfigSchema,
  /** Round that trained it. */
  round: z.int(),
  /** Flat f32 parameters, little-endian, and their SHA-256. */
  params: z.object({ file: partName, digest: z.string() }),
  backbone: z.object({ modelJson: partName, weights: partName, sidecar: partName.nullable() }).nullable(),
});
export type SavedModel = z.infer<typeof savedModelSchema>;
