/**
 * Which coordinator this worker obeys: the one with the newest lease. The token is the lease's revision in the
 * key-value store, so it only grows, and whoever holds an older one is refused (a fencing token). Pure.
 */

export interface LeaseClaim {
  readonly runId: string;
  readonly token: number;
}

export type Session =
  /** Takes any lease newer than the last one it saw. */
  | { readonly kind: "idle"; readonly lastToken: number }
  /** Works for one run, until it is released or hears nothing for longer than a lease lasts. */
  | {
      readonly kind: "attached";
      readonly runId: string;
      readonly token: number;
      readonly lastToken: number;
      readonly lastContactMs: number;
    };

export type Admission =
  | { readonly kind: "admit"; readonly session: Session }
  | { readonly kind: "refuse"; readonly reason: string };

export const initialSession: Session = { kind: "idle", lastToken: 0 };

export function attach(session: Session, claim: LeaseClaim, nowMs: number): Admission {
  const { runId, token } = claim;
  const again = session.kind === "attached" && session.token === token;
  if (token <= session.lastToken && !again) {
    return { kind: "refuse", reason: `lease ${token} is older than ${session.lastToken}` };
  }
  return { kind: "admit", session: { kind: "attached", runId, token, lastToken: token, lastContactMs: nowMs } };
}

export function command(session: Session, claim: LeaseClaim, nowMs: number): Admission {
  if (session.kind === "idle") return { kind: "refuse", reason: "not attached to any run" };
  if (claim.token !== session.token) {
    return { kind: "refuse", reason: `lease ${claim.token} is not the current one (${session.token})` };
  }
  return { kind: "admit", session: { ...session, lastContactMs: nowMs } };
}

export function release(session: Session): Session {
  return { kind: "idle", lastToken: session.lastToken };
}

/** The lease was renewed, or a command came: the coordinator lives. */
export function contact(session: Session, nowMs: number): Session {
  return session.kind === "attached" ? { ...session, lastContactMs: nowMs } : session;
}

export function expired(session: Session, nowMs: number, leaseMs: number): boolean {
  return session.kind === "attached" && nowMs - session.lastContactMs > leaseMs;
}
