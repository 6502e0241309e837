/** Configuration of the method: what the results depend on besides data and seed. Part of a run's config. */
import { z } from "zod";

export const methodConfigSchema = z.strictObject({
  imageSize: z.int().multipleOf(32).min(32).max(1024).default(256).meta({
    help: "Working size: every image is resized to a square of this side, pixels.",
  }),
});

export type MethodConfig = z.infer<typeof methodConfigSchema>;
