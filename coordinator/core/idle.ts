/** Who can take work. */
import { activeIds } from "./members.js";
import type { RunState } from "./state.js";
import { busyWorkers } from "./work-pool.js";

export function idleWorkers(state: RunState): string[] {
  const busy = busyWorkers(state.pool);
  return activeIds(state.members).filter((id) => !busy.has(id) && !state.stragglers.has(id));
}
