import { describe, expect, test } from "vitest";
import { simulatedFingerprint } from "../../shared/engine-name.js";
import { beatTimeoutMs, retryWorkerMs } from "../../shared/limits.js";
import { protocolVersion } from "../../shared/version.js";
import { activeIds, away, beatSeen, judge, type Member, type MemberBeat, type Members, silent } from "./members.js";

const run = { runId: "run-1", fingerprint: null, allowMixed: false };
const nobody: Members = new Map();

function beat(fields: Partial<MemberBeat> = {}): MemberBeat {
  return { workerId: "w1", protocolVersion, fingerprint: "tf 1 thread", leasedBy: null, ...fields };
}

function members(...list: readonly Member[]): Members {
  return new Map(list.map((member) => [member.workerId, member]));
}

function active(workerId: string, lastBeatMs: number): Member {
  return { kind: "active", workerId, fingerprint: "tf 1 thread", lastBeatMs };
}

describe("a beating worker", () => {
  test("that nobody knows is taken in", () => {
    expect(judge(nobody, beat(), run, 0)).toEqual({ kind: "attach" });
  });

  test("that takes part is known", () => {
    expect(judge(members(active("w1", 0)), beat(), run, 1)).toEqual({ kind: "known" });
  });

  test("of another protocol is refused, with both versions", () => {
    expect(judge(nobody, beat({ protocolVersion: 99 }), run, 0)).toEqual({
      kind: "refuse",
      reason: `speaks protocol 99, this coordinator ${protocolVersion}`,
    });
  });

  test("of another run is refused; one that our own run still holds is taken back", () => {
    expect(judge(nobody, beat({ leasedBy: "run-2" }), run, 0)).toMatchObject({ reason: "works for run run-2" });
    expect(judge(nobody, beat({ leasedBy: "run-1" }), run, 0)).toEqual({ kind: "attach" });
  });

  test("with another engine is refused, because bits would differ; unless mixing is allowed", () => {
    const fixed = { ...run, fingerprint: "tf 2 threads" };
    const verdict = judge(nobody, beat(), fixed, 0);
    expect(verdict).toMatchObject({ kind: "refuse", reason: expect.stringContaining("not be bit-equal") });
    expect(judge(nobody, beat(), { ...fixed, allowMixed: true }, 0)).toEqual({ kind: "attach" });
  });

  test("of another version is refused like one with another engine", () => {
    const verdict = judge(nobody, beat({ seedgrowVersion: "0.0.0" }), run, 0);
    expect(verdict).toMatchObject({
      kind: "refuse",
      reason: expect.stringMatching(/^is seedgrow 0\.0\.0, .*bit-equal/),
    });
    expect(judge(nobody, beat({ seedgrowVersion: "0.0.0" }), { ...run, allowMixed: true }, 0).kind).toBe("attach");
  });

  test("with the simulated engine never joins real ones, nor the other way round", () => {
    const fingerprint = simulatedFingerprint("1", 0);
    const lax = { ...run, allowMixed: true };
    const reason = expect.stringContaining("a simulated engine computes nothing");
    expect(judge(nobody, beat({ fingerprint }), { ...lax, fingerprint: "tf" }, 0)).toMatchObject({ reason });
    expect(judge(nobody, beat(), { ...lax, fingerprint }, 0)).toMatchObject({ reason });
    expect(judge(nobody, beat({ fingerprint: simulatedFingerprint("1", 5) }), { ...lax, fingerprint }, 0).kind).toBe(
      "attach",
    );
  });

  test("is one too many when the run has as many as it can have", () => {
    const held = members(active("w2", 0), active("w3", 0));
    expect(judge(held, beat(), { ...run, workersLimit: 2 }, 0)).toMatchObject({
      reason: expect.stringMatching(/^the run has 2 /),
    });
    expect(judge(held, beat({ workerId: "w2" }), { ...run, workersLimit: 2 }, 0).kind).toBe("known");
  });

  test("that was given up is left alone for a while, for the same reason, then asked again", () => {
    const held = members(away("w1", "unreachable", 1_000));
    expect(judge(held, beat(), run, 1_000 + retryWorkerMs - 1)).toEqual({ kind: "refuse", reason: "unreachable" });
    expect(judge(held, beat(), run, 1_000 + retryWorkerMs)).toEqual({ kind: "attach" });
  });
});

describe("silence", () => {
  test("is counted from the last beat, and only beyond the limit", () => {
    const held = beatSeen(members(active("w1", 0), active("w2", 0)), "w2", 500);
    expect(silent(held, beatTimeoutMs)).toEqual([]);
    expect(silent(held, beatTimeoutMs + 1)).toEqual([
      { workerId: "w1", reason: `silent for ${beatTimeoutMs + 1} ms (limit ${beatTimeoutMs})` },
    ]);
  });

  test("of somebody who is away, or of a stranger, is nothing new", () => {
    const held = members(away("w1", "crashed", 0));
    expect(silent(held, 1e9)).toEqual([]);
    expect(beatSeen(held, "w1", 5)).toBe(held);
    expect(beatSeen(held, "w7", 5)).toBe(held);
  });
});

test("work is shared out in the order of ids, not of arrival", () => {
  const attaching = { ...active("w0", 0), kind: "attaching" } as Member;
  expect(activeIds(members(active("w9", 0), attaching, active("w2", 0)))).toEqual(["w2", "w9"]);
});
