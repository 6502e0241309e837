/**
 * Which coordinator this worker obeys: the one with the newest lease. The token is the lease's revision in the
 * key-value store, so it only grows, and whoever holds an older one is refused (a fencing token). A store that lost its
 * data counts from 1 again: its creation time, the generation, is compared first. Pure.
 */

export interface LeaseClaim {
  readonly runId: string;
  readonly token: number;
  /** When the store was created, milliseconds since 1970; absent: 0. */
  readonly generation?: number;
}

export type Session =
  /** Takes any lease newer than the last one it saw. */
  | { readonly kind: "idle"; readonly lastToken: number; readonly lastGeneration: number }
  /** Works for one run, until it is released or hears nothing for longer than a lease lasts. */
  | {
      readonly kind: "attached";
      readonly runId: string;
      readonly token: number;
      readonly lastToken: number;
      readonly lastGeneration: number;
      readonly lastContactMs: number;
    };

export type Admission =
  | { readonly kind: "admit"; readonly session: Session }
  | { readonly kind: "refuse"; readonly reason: string };

export const initialSession: Session = { kind: "idle", lastToken: 0, lastGeneration: 0 };

export function attach(session: Session, claim: LeaseClaim, nowMs: number): Admission {
  const { runId, token, generation = 0 } = claim;
  const again = session.kind === "attached" && isHeldBy(session, claim);
  if (!isNewer(session, claim) && !again) {
    return { kind: "refuse", reason: `lease ${token} is older than ${session.lastToken}` };
  }
  const last = { lastToken: token, lastGeneration: generation, lastContactMs: nowMs };
  return { kind: "admit", session: { kind: "attached", runId, token, ...last } };
}

function isNewer({ lastToken, lastGeneration }: Session, { token, generation = 0 }: LeaseClaim): boolean {
  return generation === lastGeneration ? token > lastToken : generation > lastGeneration;
}

/** Whether this is the lease that the session was opened with: what was begun under it may go on. */
export function isHeldBy(session: Session, { token, generation = 0 }: LeaseClaim): boolean {
  return session.kind === "attached" && session.token === token && session.lastGeneration === generation;
}

export function command(session: Session, claim: LeaseClaim, nowMs: number): Admission {
  if (session.kind === "idle") return { kind: "refuse", reason: "not attached to any run" };
  if (!isHeldBy(session, claim)) {
    return { kind: "refuse", reason: `lease ${claim.token} is not the current one (${session.token})` };
  }
  return { kind: "admit", session: { ...session, lastContactMs: nowMs } };
}

export function release(session: Session): Session {
  return { kind: "idle", lastToken: session.lastToken, lastGeneration: session.lastGeneration };
}

/** The lease was renewed, or a command came: the coordinator lives. */
export function contact(session: Session, nowMs: number): Session {
  return session.kind === "attached" ? { ...session, lastContactMs: nowMs } : session;
}

export function expired(session: Session, nowMs: number, leaseMs: number): boolean {
  return session.kind === "attached" && nowMs - session.lastContactMs > leaseMs;
}
