/** Who may hold a worker, from what the store says. */
import { describe, expect, test } from "vitest";
import { decideRenewal, decideTake, type LeaseOwner } from "./leases.js";

const owner = (sitting: number, coordinatorId = `c${sitting}`, runId = "r1"): LeaseOwner => {
  return { runId, coordinatorId, sitting };
};
const entry = (held: LeaseOwner | null) => ({ owner: held, revision: 7 });

describe("taking a lease", () => {
  test("that nobody holds, or that was given back, is free to all", () => {
    expect(decideTake(null, owner(1))).toEqual({ kind: "create" });
    expect(decideTake(entry(null), owner(1))).toEqual({ kind: "update", revision: 7 });
  });

  test("of an earlier sitting of the same run, or one's own, is taking it over", () => {
    expect(decideTake(entry(owner(1)), owner(2))).toEqual({ kind: "update", revision: 7 });
    expect(decideTake(entry(owner(2)), owner(2))).toEqual({ kind: "update", revision: 7 });
  });

  test("of another run waits; of a newer sitting means that this coordinator is out of date", () => {
    expect(decideTake(entry(owner(1, "x", "r2")), owner(1))).toEqual({
      kind: "taken",
      reason: "it is leased by run r2",
    });
    expect(decideTake(entry(owner(3)), owner(2)).kind).toBe("superseded");
  });

  test("of two that count the same sitting the ids decide, and both agree who", () => {
    const [a, b] = [owner(1, "a"), owner(1, "b")];
    expect([decideTake(entry(b), a).kind, decideTake(entry(a), b).kind]).toEqual(["superseded", "update"]);
  });
});

describe("a renewal that did not fit", () => {
  test("with our own entry there was an answer lost on the way", () => {
    expect(decideRenewal(entry(owner(2)), owner(2))).toEqual({ kind: "held", revision: 7 });
  });

  test("with no entry it has lapsed, or the store has lost it", () => {
    expect(decideRenewal(null, owner(2))).toEqual({ kind: "recreate" });
    expect(decideRenewal(entry(null), owner(2))).toEqual({ kind: "recreate" });
  });

  test("with somebody else's, the worker is theirs, and a newer sitting's ends us", () => {
    expect(decideRenewal(entry(owner(1, "x", "r2")), owner(2))).toMatchObject({ kind: "taken" });
    expect(decideRenewal(entry(owner(1)), owner(2))).toMatchObject({ kind: "taken" });
    expect(decideRenewal(entry(owner(3)), owner(2)).kind).toBe("superseded");
  });
});
