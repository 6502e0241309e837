/**
 * Who takes part in the run. A worker is seen by its beats, leased and attached, and lost when it falls silent or
 * fails; a lost one that beats again is taken back after a pause. Pure.
 */
import { isSimulated } from "../../shared/engine-name.js";
import { beatTimeoutMs, probeAfterMs, retryWorkerMs, workersMax } from "../../shared/limits.js";
import { protocolVersion, seedgrowVersion } from "../../shared/version.js";

export interface MemberBeat {
  readonly workerId: string;
  readonly protocolVersion: number;
  readonly fingerprint: string;
  /** Another version may compute otherwise. */
  readonly seedgrowVersion?: string;
  readonly leasedBy: string | null;
  /** Another one means: the process was started again. */
  readonly pid?: number;
  /** Nobody can dial it: it calls the coordinator (`--push`). */
  readonly isCaller?: boolean;
  /** "draining": it finishes its piece, takes no new one, and leaves. */
  readonly state?: "ready" | "draining";
  /** Of its engine, so far; it starts it again by itself. */
  readonly engineLosses?: { readonly count: number; readonly reason: string } | undefined;
}

interface Present {
  readonly workerId: string;
  readonly fingerprint: string;
  readonly lastBeatMs: number;
  readonly pid?: number | undefined;
  /** So many have been reported. */
  readonly engineLosses?: number | undefined;
}

export type Member =
  /** Lease and attach are under way. `attempt` tells this try from earlier ones. */
  | (Present & { readonly kind: "attaching"; readonly attempt?: number })
  /** Takes work. */
  | (Present & {
      readonly kind: "active";
      readonly attempt?: number;
      readonly probedAtMs?: number;
      /** It has finished something since it attached: caches are warm, so its pace says something. */
      readonly isWarm?: boolean;
      readonly isDraining?: boolean;
    })
  /** Given up for now; not asked again before `retryAtMs`. */
  | { readonly kind: "away"; readonly workerId: string; readonly reason: string; readonly retryAtMs: number }
  /** Gave wrong results: not asked again in this run. */
  | { readonly kind: "quarantined"; readonly workerId: string; readonly reason: string };

export type PresentMember = Extract<Member, Present>;

export type Members = ReadonlyMap<string, Member>;

export type Verdict =
  | { readonly kind: "attach" }
  | { readonly kind: "known" }
  | { readonly kind: "refuse"; readonly reason: string };

/** Whether a beating worker should be taken in. */
export function judge(
  members: Members,
  beat: MemberBeat,
  run: {
    readonly runId: string;
    readonly fingerprint: string | null;
    readonly allowMixed: boolean;
    /** Most workers; default: limits.ts. */
    readonly workersLimit?: number;
    /** Workers pull from each other (cluster.topology sharded). */
    readonly isSharded?: boolean;
  },
  nowMs: number,
): Verdict {
  const limit = run.workersLimit ?? workersMax;
  const member = members.get(beat.workerId);
  if (member && isPresent(member)) return { kind: "known" };
  if (member?.kind === "quarantined") return { kind: "refuse", reason: member.reason };
  if (member && nowMs < member.retryAtMs) return { kind: "refuse", reason: member.reason };
  if (beat.state === "draining") return { kind: "refuse", reason: "is shutting down" };
  if (beat.protocolVersion !== protocolVersion) {
    return { kind: "refuse", reason: `speaks protocol ${beat.protocolVersion}, this coordinator ${protocolVersion}` };
  }
  if (run.isSharded && beat.isCaller) {
    return {
      kind: "refuse",
      reason: "cannot be reached by other workers (--push), which cluster.topology sharded needs: use star",
    };
  }
  if (beat.leasedBy !== null && beat.leasedBy !== run.runId) {
    return { kind: "refuse", reason: `works for run ${beat.leasedBy}` };
  }
  if ([...members.values()].filter(isPresent).length >= limit) {
    return {
      kind: "refuse",
      reason: `the run has ${limit} workers: as many as it takes (cluster.workersMax, and open files)`,
    };
  }
  const mixed = mixedReason(beat, run);
  if (mixed) return { kind: "refuse", reason: mixed };
  return { kind: "attach" };
}

/** Why a worker's program or engine does not go with the run's; null: it does. */
function mixedReason(
  beat: MemberBeat,
  run: { readonly fingerprint: string | null; readonly allowMixed: boolean },
): string | null {
  const engines = engineMixture(beat, run.fingerprint);
  const isRealWithSimulated = engines !== null && isSimulated(beat.fingerprint) !== isSimulated(run.fingerprint!);
  if (isRealWithSimulated) return `${engines}: a simulated engine computes nothing`;
  const mixture = versionMixture(beat) ?? engines;
  return mixture === null || run.allowMixed ? null : `${mixture}: results would not be bit-equal`;
}

export function engineMixture({ fingerprint }: MemberBeat, ofRun: string | null): string | null {
  if (ofRun === null || fingerprint === ofRun) return null;
  return `computes with "${fingerprint}", the run with "${ofRun}"`;
}

export function versionMixture({ seedgrowVersion: theirs = seedgrowVersion }: MemberBeat): string | null {
  return theirs === seedgrowVersion ? null : `is seedgrow ${theirs}, this coordinator ${seedgrowVersion}`;
}

export function withMember(members: Members, member: Member): Members {
  return new Map(members).set(member.workerId, member);
}

export function isPresent(member: Member): member is PresentMember {
  return member.kind === "attaching" || member.kind === "active";
}

export function beatSeen(members: Members, workerId: string, nowMs: number, engineLosses?: number): Members {
  const member = members.get(workerId);
  if (!member || !isPresent(member)) return members;
  return withMember(members, { ...member, lastBeatMs: nowMs, engineLosses: engineLosses ?? member.engineLosses });
}

export function away(workerId: string, reason: string, nowMs: number): Member {
  return { kind: "away", workerId, reason, retryAtMs: nowMs + retryWorkerMs };
}

/** Takes part and stays. */
export function activeIds(members: Members): string[] {
  return [...members.values()]
    .filter((member) => member.kind === "active" && !member.isDraining)
    .map((member) => member.workerId)
    .sort();
}

/** Members that have fallen silent, with the reason. */
export function silent(members: Members, nowMs: number): { workerId: string; reason: string }[] {
  return [...members.values()]
    .filter(isPresent)
    .filter((member) => nowMs - member.lastBeatMs > beatTimeoutMs)
    .map((member) => {
      const silentMs = Math.round(nowMs - member.lastBeatMs);
      return { workerId: member.workerId, reason: `silent for ${silentMs} ms (limit ${beatTimeoutMs})` };
    });
}

/** Members whose beats are missed and who have not been asked lately; they count as asked now. */
export function withProbes(members: Members, nowMs: number): { members: Members; probed: string[] } {
  const due = [...members.values()].filter((member) => {
    if (member.kind !== "active") return false;
    return nowMs - Math.max(member.lastBeatMs, member.probedAtMs ?? 0) > probeAfterMs;
  });
  const next = new Map(members);
  for (const member of due) next.set(member.workerId, { ...member, probedAtMs: nowMs } as Member);
  return { members: due.length > 0 ? next : members, probed: due.map(({ workerId }) => workerId) };
}
