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
  const { rooms } = job;
  const { result, computeMs } = await compute.call("gradients", job);
  // What another thread answers with is the same memory, but not the array that passes over numbers know (VectorMemory).
  const sums = result.map((sum) => (sum.room === undefined ? sum : { ...sum, values: rooms[sum.room]! }));
  const used = new Set(result.map(({ room }) => room));
  return { sums, left: rooms.filter((_, i) => !used.has(i)), computeMs };
}
