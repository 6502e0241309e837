/** A run that goes on where another sitting stopped, in the middle of a phase. */
import { describe, expect, test } from "vitest";
import { startRun } from "./run.js";
import { plan, Transcript } from "./testing.js";

describe("a run that goes on inside a phase over shards", () => {
  const refining = 3;

  test("gives out what is left", () => {
    const run = new Transcript({ phaseIndex: refining, doneUnits: [0] });
    run.join("w1");
    expect(run.state.pool.units[0]).toBe("done");
    expect(run.state.pool.assignments.map(({ first, end }) => [first, end])).toEqual([[1, 2]]);
  });

  test("settles at once when everything was accepted already", () => {
    const base = { runId: "r", workersMin: 1, allowMixed: false, fingerprint: null, plan, phaseIndex: refining };
    const { state, effects } = startRun({ ...base, doneUnits: [0, 1] });
    expect(effects.map(({ kind }) => kind)).toEqual(["report", "report", "settle"]);
    expect(state.activity).toBe("settling");
  });
});
