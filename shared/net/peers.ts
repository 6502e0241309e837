/**
 * What workers of a run pull from each other over bulk lines while they train (`cluster.topology: sharded`): ranges of vectors,
 * sums and slices encoded as the run's `wire` says, parts of the state as f32. They carry no digest: the parameters that
 * every worker arrives at do, and those must agree.
 */
import { z } from "zod";
import { AppError } from "../errors.js";
import { byteOffset, type Encoded, isCut } from "../math/wire.js";
import type { AnswerBulk, Bulk, BulkRequest } from "./bulk.js";

export interface VectorSource {
  /** The same object as long as its numbers are the same. Null: not held here. */
  vector(runId: string, name: string): Encoded | null;
}

/** Resolves when numbers [first, end) of a vector are there; of none: when all are. @throws AppError when they do not come */
export type NumbersReady = (first: number, end: number) => Promise<void>;

export interface ComingSource extends VectorSource {
  /** Resolves when it is held: null, or it is f32, and its numbers come one after the other. @throws AppError when it does not come */
  coming(runId: string, name: string): Promise<NumbersReady | null>;
}

const rangeSchema = z.strictObject({
  kind: z.enum(["vector", "coming"]),
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

/**
 * For what the other side may still be computing: it answers as that is done. A range without numbers is answered when the vector is
 * whole and counts: until then, whatever has come of it may be of work that fails.
 */
export function comingRequest(range: VectorRange): BulkRequest {
  return { kind: "coming", ...range };
}

/** Ranges as they are encoded. @throws AppError MESSAGE_INVALID when they are not held here */
export function vectorBulk(source: VectorSource): AnswerBulk {
  return async (request) => held(source, rangeIn(request));
}

/** The same of what is awaited. @throws AppError MESSAGE_INVALID when it does not come */
export function comingBulk(source: ComingSource): AnswerBulk {
  return async (request) => {
    const range = rangeIn(request);
    const areReady = await source.coming(range.runId, range.name);
    if (areReady && range.first === range.end) await areReady(range.first, range.end);
    const bulk = held(source, range);
    if (!areReady) return bulk;
    return { ...bulk, ready: (from, to) => areReady(range.first + from / 4, range.first + to / 4) };
  };
}

function rangeIn(request: unknown): VectorRange {
  const parsed = rangeSchema.safeParse(request);
  if (parsed.success) return parsed.data;
  throw new AppError("MESSAGE_INVALID", `no range of a vector: ${z.prettifyError(parsed.error)}`);
}

function held(source: VectorSource, { runId, name, first, end }: VectorRange): Bulk {
  const vector = source.vector(runId, name);
  if (!vector || first > end || end > vector.length || !areCuts(vector, first, end))
    throw new AppError("MESSAGE_INVALID", `no numbers ${first} to ${end} of ${name}`);
  const { wire, body } = vector;
  const bytes = vector.bytes.subarray(byteOffset(wire, body, first), byteOffset(wire, body, end));
  // A vector that changes under its reader is another one.
  return { bytes, isHeld: () => source.vector(runId, name) === vector };
}

function areCuts({ wire, body }: Encoded, first: number, end: number): boolean {
  return isCut(wire, body, first) && isCut(wire, body, end);
}
