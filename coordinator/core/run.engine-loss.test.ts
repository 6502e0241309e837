/** A worker that has started its lost engine again (worker/compute/keeper.ts): the run hears of it, and goes on. */
import { describe, expect, test } from "vitest";
import { protocolVersion } from "../../shared/version.js";
import type { RunEffect } from "./events.js";
import type { MemberBeat } from "./members.js";
import { step } from "./run.js";
import { Transcript } from "./testing.js";

const reason = "the GPU fell off the bus";

/** What a beat of w1's leads to. */
function hear(run: Transcript, count: number, fields: Partial<MemberBeat> = {}): readonly RunEffect[] {
  const engineLosses = { count, reason };
  const beat = { workerId: "w1", protocolVersion, fingerprint: "tf", leasedBy: null, engineLosses, ...fields };
  const { state, effects } = step(run.state, { kind: "beat", beat }, run.nowMs);
  run.state = state;
  return effects;
}

const reports = (effects: readonly RunEffect[]) =>
  effects.flatMap((effect) => (effect.kind === "report" ? [effect.record.kind] : []));

describe("a worker whose engine was lost", () => {
  test("says so once, keeps its work, and may lose it again", () => {
    const run = new Transcript();
    run.join("w1");
    expect(hear(run, 1)).toEqual([
      { kind: "report", record: { kind: "engine-lost", workerId: "w1", count: 1, reason } },
    ]);
    expect(hear(run, 1)).toEqual([]);
    expect(reports(hear(run, 3, { state: "draining" }))).toEqual(["engine-lost", "worker-draining"]);
    expect(hear(run, 3, { state: "draining" })).toEqual([]);
    const lines = run.done(run.state.pool.assignments[0]!.id);
    expect(lines).toContain("accept classify/init#0");
    expect(lines.join("\n")).not.toContain("worker-lost");
  });

  test("before it came tells nothing of this run", () => {
    const run = new Transcript();
    hear(run, 2);
    expect(hear(run, 2)).toEqual([]);
  });
});
