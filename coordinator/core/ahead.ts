/**
 * What follows on a step's micro-batches if nobody is lost or late: who will have which sums, and who will add up which slice of them.
 * Workers are told of it with their micro-batches, so that they can begin to pull. A guess, on which nothing is built: what does
 * follow is decided when it does (exchange.ts). Pure.
 */
import { aheadWorkersMax } from "../../shared/limits.js";
import { isExchanging } from "./exchange.js";
import { type HeldSum, sumOf } from "./exchange-state.js";
import { activeIds } from "./members.js";
import type { RunState } from "./state.js";
import { isSame } from "./work-pool.js";

export interface ExpectedReduce {
  /** Who adds up each slice. */
  readonly owners: readonly string[];
  readonly sums: readonly HeldSum[];
}

/** Null: somebody will have more to do than is known, or they are too many. */
export function expectedReduce(state: RunState): ExpectedReduce | null {
  if (!isExchanging(state) || state.purpose.kind !== "step") return null;
  const { pool, exchange, stragglers, members } = state;
  const owners = activeIds(members);
  // Of slices that are cut already, some may have been added up. Whether a straggler will be there to take one, nobody knows.
  const isOpen = pool.units.includes("pending") || exchange.owners.length > 0 || stragglers.size > 0;
  if (isOpen || owners.length > aheadWorkersMax) return null;
  const sums = [...exchange.sums];
  // Of two that do the same, the first one's will count, but for an audit that finds it wrong.
  for (const assignment of [...pool.opinions.map((one) => one.assignment), ...pool.assignments])
    if (!sums.some((sum) => isSame(sum, assignment))) sums.push(sumOf(assignment));
  return { owners, sums };
}
