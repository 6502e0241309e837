/** Whether an engine that was lost is started once more. Pure. */
import { engineLossWindowMs, engineRestartFactor, engineRestartMs, engineRestartsMax } from "../../shared/limits.js";

export type Revival =
  | { readonly kind: "restart"; readonly afterMs: number }
  | { readonly kind: "give-up"; readonly reason: string };

/** @param lossesMs when it was lost, the last one now, or could not be started again; milliseconds, ascending */
export function revivalAfter(lossesMs: readonly number[]): Revival {
  const nowMs = lossesMs.at(-1) ?? 0;
  const recent = lossesMs.filter((atMs) => nowMs - atMs < engineLossWindowMs).length;
  if (recent <= engineRestartsMax) {
    return { kind: "restart", afterMs: engineRestartMs * engineRestartFactor ** (recent - 1) };
  }
  return { kind: "give-up", reason: `lost ${recent} times within ${engineLossWindowMs / 60_000} minutes` };
}
