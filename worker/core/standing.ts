/**
 * Whether a worker may still take part: its certificate can end or be taken back while it runs, and then nobody listens to
 * it any more. It says so and ends, instead of knocking for ever. A broker that is merely away is waited for without end.
 */
import { AppError } from "../../shared/errors.js";
import { refusedPatienceMs } from "../../shared/limits.js";

export interface Standing {
  /** Of the first refusal since the bus was last there. */
  readonly refusedSinceMs: number | null;
  /** What was said last about the bus: not again. */
  readonly said: string | null;
}

export type StandingEvent =
  | { readonly kind: "bus-back" }
  /** The bus is gone, and a connection of our own says why. */
  | { readonly kind: "bus-away"; readonly problem: AppError; readonly isRefusal: boolean }
  | { readonly kind: "look"; readonly own: OwnCertificate };

/** Null: this worker has none. */
export type OwnCertificate = {
  readonly name: string;
  readonly notAfterMs: number;
  /** The same, for people. */
  readonly notAfter: string;
  readonly isRevoked: boolean;
} | null;

export type StandingEffect =
  | { readonly kind: "say"; readonly text: string; readonly problem: AppError | null }
  | { readonly kind: "end"; readonly error: AppError };

export interface StandingStep {
  readonly state: Standing;
  readonly effects: readonly StandingEffect[];
}

export const initialStanding: Standing = { refusedSinceMs: null, said: null };

/** @param nowMs since 1970: certificates end by that clock. */
export function standingStep(state: Standing, event: StandingEvent, nowMs: number): StandingStep {
  switch (event.kind) {
    case "bus-back": {
      const effects = state.said === null ? [] : [{ kind: "say", text: "NATS is back", problem: null } as const];
      return { state: initialStanding, effects };
    }
    case "bus-away":
      return away(state, event, nowMs);
    case "look": {
      const error = event.own && endOf(event.own, nowMs);
      return { state, effects: error ? [{ kind: "end", error }] : [] };
    }
  }
}

function away(
  state: Standing,
  { problem, isRefusal }: { readonly problem: AppError; readonly isRefusal: boolean },
  nowMs: number,
): StandingStep {
  const refusedSinceMs = isRefusal ? (state.refusedSinceMs ?? nowMs) : null;
  if (refusedSinceMs !== null && nowMs - refusedSinceMs >= refusedPatienceMs) {
    const text = `refused for ${Math.round((nowMs - refusedSinceMs) / 1000)} s, and no longer waiting: ${problem.message}`;
    const error = new AppError(problem.code, text, { hint: problem.hint, cause: problem });
    return { state: { ...state, refusedSinceMs }, effects: [{ kind: "end", error }] };
  }
  const patience = isRefusal ? `ending in ${refusedPatienceMs / 1000} s if that stays so` : "waiting for it";
  const isNew = state.said !== problem.message;
  return {
    state: { refusedSinceMs, said: problem.message },
    effects: isNew ? [{ kind: "say", text: `${problem.message}: ${patience}`, problem }] : [],
  };
}

function endOf({ name, notAfterMs, notAfter, isRevoked }: NonNullable<OwnCertificate>, nowMs: number): AppError | null {
  if (isRevoked) return new AppError("CERT_REVOKED", `the certificate of ${name} was revoked while this worker ran`);
  if (nowMs <= notAfterMs) return null;
  return new AppError("CERT_EXPIRED", `the certificate of ${name} ended at ${notAfter}, while this worker ran`);
}
