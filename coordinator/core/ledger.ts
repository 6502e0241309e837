/** What is written down of an accepted shard: enough to do without asking for it again. */
import { z } from "zod";

const digest = z.string().regex(/^[0-9a-f]{64}$/);

export const ledgerEntrySchema = z.object({
  outputs: z.array(z.object({ name: z.enum(["cam", "labels"]), digest })),
  images: z.int().nonnegative(),
  /** JSON of work-metrics.ts. */
  metrics: z.string(),
});
export type LedgerEntry = z.infer<typeof ledgerEntrySchema>;
