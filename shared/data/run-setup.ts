/** What a worker needs to know about a run: pulled once, by digest, when it attaches. */
import { z } from "zod";
import { methodConfigSchema } from "../config/method.js";
import { wires } from "../math/wire.js";
import { digestSchema } from "./manifest.js";

export const runSetupSchema = z.object({
  runId: z.string(),
  seed: z.int(),
  method: methodConfigSchema,
  /** How sums of gradients travel. */
  wire: z.enum(wires),
  classes: z.array(z.string()),
  manifestDigest: digestSchema,
  /** Blobs of the backbone's files; null: the built-in network. */
  backbone: z.object({ modelJson: digestSchema, weights: digestSchema, sidecar: digestSchema.nullable() }).nullable(),
});
export type RunSetup = z.infer<typeof runSetupSchema>;

/** Lists the label packs of one version, in shard order. Itself a blob; names the version by content. */
export const labelCatalogueSchema = z.object({
  version: z.int(),
  packs: z.array(digestSchema),
});
export type LabelCatalogue = z.infer<typeof labelCatalogueSchema>;
