/**
 * Who takes part in the run. A worker is seen by its beats, leased and attached, and lost when it falls silent or
 * fails; a lost one that beats again is taken back after a pause. Pure.
 */
import { beatTimeoutMs, retryWorkerMs } from "../../shared/limits.js";
import { protocolVersion } from "../../shared/version.js";

export interface MemberBeat {
  readonly workerId: string;
  readonly protocolVersion: number;
  readonly fingerprint: string;
  readonly leasedBy: string | null;
}

export type Member =
  /** Lease and attach are under way. */
  | { readonly kind: "attaching"; readonly workerId: string; readonly fingerprint: string; readonly lastBeatMs: number }
  /** Takes work. */
  | { readonly kind: "active"; readonly workerId: string; readonly fingerprint: string; readonly lastBeatMs: number }
  /** Given up for now; not asked again before `retryAtMs`. */
  | { readonly kind: "away"; readonly workerId: string; readonly reason: string; readonly retryAtMs: number };

export type Members = ReadonlyMap<string, Member>;

export type Verdict =
  | { readonly kind: "attach" }
  | { readonly kind: "known" }
  | { readonly kind: "refuse"; readonly reason: string };

/** Whether a beating worker should be taken in. */
export function judge(
  members: Members,
  beat: MemberBeat,
  run: { readonly runId: string; readonly fingerprint: string | null; readonly allowMixed: boolean },
  nowMs: number,
): Verdict {
  const member = members.get(beat.workerId);
  if (member && member.kind !== "away") return { kind: "known" };
  if (member && nowMs < member.retryAtMs) return { kind: "refuse", reason: member.reason };
  if (beat.protocolVersion !== protocolVersion) {
    return { kind: "refuse", reason: `speaks protocol ${beat.protocolVersion}, this coordinator ${protocolVersion}` };
  }
  if (beat.leasedBy !== null && beat.leasedBy !== run.runId) {
    return { kind: "refuse", reason: `works for run ${beat.leasedBy}` };
  }
  if (run.fingerprint !== null && beat.fingerprint !== run.fingerprint && !run.allowMixed) {
    const reason = `computes with "${beat.fingerprint}", the run with "${run.fingerprint}": results would not be bit-equal`;
    return { kind: "refuse", reason };
  }
  return { kind: "attach" };
}

export function withMember(members: Members, member: Member): Members {
  return new Map(members).set(member.workerId, member);
}

export function beatSeen(members: Members, workerId: string, nowMs: number): Members {
  const member = members.get(workerId);
  if (!member || member.kind === "away") return members;
  return withMember(members, { ...member, lastBeatMs: nowMs });
}

export function away(workerId: string, reason: string, nowMs: number): Member {
  return { kind: "away", workerId, reason, retryAtMs: nowMs + retryWorkerMs };
}

export function activeIds(members: Members): string[] {
  return [...members.values()]
    .filter((member) => member.kind === "active")
    .map((member) => member.workerId)
    .sort();
}

/** Members that have fallen silent, with the reason. */
export function silent(members: Members, nowMs: number): { workerId: string; reason: string }[] {
  return [...members.values()]
    .filter((member) => member.kind !== "away")
    .filter((member) => nowMs - member.lastBeatMs > beatTimeoutMs)
    .map((member) => {
      const silentMs = Math.round(nowMs - member.lastBeatMs);
      return { workerId: member.workerId, reason: `silent for ${silentMs} ms (limit ${beatTimeoutMs})` };
    });
}
