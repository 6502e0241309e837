/** Gradient sums from the compute thread, in memory that it is given where its engine can write there. */
import type { GradientJob, PartialSum } from "../compute/contract.js";
import type { EngineKeeper } from "../compute/keeper.js";

export interface GradientSums {
  readonly sums: readonly PartialSum[];
  /** Of the rooms, those in which no sum lies. */
  readonly left: readonly Float32Array[];
  readonly computeMs: number;
}

export async function gradientSums(
  compute: Pick<EngineKeeper, "call">,
  job: GradientJob & { readonly rooms: readonly Float32Array[] },
): Promise<GradientSums> {
  // Others would be sent as copies. Of a very large model there is no shared one (VectorMemory).
  const rooms = job.rooms.filter(({ buffer }) => buffer instanceof SharedArrayBuffer);
  const { result, computeMs } = await compute.call("gradients", { ...job, rooms });
  // What another thread answers with is the same memory, but not the array that passes over numbers know.
  const sums = result.map((sum) => (sum.room === undefined ? sum : { ...sum, values: rooms[sum.room]! }));
  const used = new Set<Float32Array>(sums.map(({ values }) => values));
  return { sums, left: job.rooms.filter((room) => !used.has(room)), computeMs };
}
