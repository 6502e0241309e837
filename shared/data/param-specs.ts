/** Layout of a model's parameters in their flat buffer, as workers name it and checkpoints keep it. */
import { z } from "zod";
import { AppError } from "../errors.js";

export const paramSpecsSchema = z.array(
  z.object({
    name: z.string(),
    shape: z.array(z.int().nonnegative()),
    learningRateScale: z.number(),
    weightDecay: z.boolean(),
  }),
);
export type ParamSpecs = z.infer<typeof paramSpecsSchema>;

export function paramCount(specs: ParamSpecs): number {
  return specs.reduce((sum, { shape }) => sum + shape.reduce((product, side) => product * side, 1), 0);
}

/** @throws AppError MESSAGE_INVALID */
export function parseParamSpecs(bytes: Uint8Array): ParamSpecs {
  try {
    return paramSpecsSchema.parse(JSON.parse(Buffer.from(bytes).toString("utf8")));
  } catch (cause) {
    throw new AppError("MESSAGE_INVALID", "the layout of the parameters cannot be read", { cause });
  }
}
