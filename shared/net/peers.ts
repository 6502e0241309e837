/**
 * What workers of a run pull from each other over bulk lines while they train (`cluster.topology: sharded`): ranges of vectors,
 * sums and slices encoded as the run's `wire` says, parts of the state as f32. They carry no digest: the parameters that
 * every worker arrives at do, and those must agree.
 */
import { z } from "zod";
import { AppError } from "../errors.js";
import { byteOffset, type Encoded, isCut } from "../math/wire.js";
import type { AnswerBulk, BulkRequest } from "./bulk.js";

export interface VectorSource {
  /** The same object as long as its numbers are the same. Null: not held here. */
  vector(runId: string, name: string): Encoded | null;
}

const rangeSchema = z.strictObject({
  kind: z.literal("vector"),
  runId: z.string(),
  /** "train-1/12/sum/1:0", "train-1/12/slice/0-4096", "train-1/12/values". */
  name: z.string(),
  first: z.int().nonnegative(),
  /** One past the last. */
  end: z.int().nonnegative(),
});

export type VectorRange = Readonly<Omit<z.infer<typeof rangeSchema>, "kind">>;

export function vectorRequest(range: VectorRange): BulkRequest {
  return { kind: "vector", ...range };
}

/** Ranges as they are encoded. @throws AppError MESSAGE_INVALID when they are not held here */
export function vectorBulk(source: VectorSource): AnswerBulk {
  return async (request) => {
    const parsed = rangeSchema.safeParse(request);
    if (!parsed.success)
      throw new AppError("MESSAGE_INVALID", `no range of a vector: ${z.prettifyError(parsed.error)}`);
    const { runId, name, first, end } = parsed.data;
    const held = () => source.vector(runId, name);
    const vector = held();
    if (!vector || first > end || end > vector.length || !areCuts(vector, first, end))
      throw new AppError("MESSAGE_INVALID", `no numbers ${first} to ${end} of ${name}`);
    const { wire, body } = vector;
    const bytes = vector.bytes.subarray(byteOffset(wire, body, first), byteOffset(wire, body, end));
    // A vector that changes under its reader is another one.
    return { bytes, isHeld: () => held() === vector };
  };
}

function areCuts({ wire, body }: Encoded, first: number, end: number): boolean {
  return isCut(wire, body, first) && isCut(wire, body, end);
}
