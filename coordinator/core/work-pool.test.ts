import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  assignPending,
  busyWorkers,
  complete,
  doneCount,
  dropWorker,
  giveBack,
  isDone,
  openPool,
  overdue,
  type WorkPool,
} from "./work-pool.js";

/** "a#0 w1 [0,2)": an assignment in one line. */
function shares(pool: WorkPool, workers: readonly string[], nowMs = 0) {
  const given = assignPending(pool, workers, nowMs);
  const lines = given.assigned.map(({ id, workerId, first, end }) => `${id} ${workerId} [${first},${end})`);
  return { pool: given.pool, lines };
}

describe("sharing out", () => {
  test("units go to idle workers in order, as equal as can be", () => {
    expect(shares(openPool("a", 8, 8), ["w1", "w2", "w3"]).lines).toEqual([
      "a#0 w1 [0,3)",
      "a#1 w2 [3,6)",
      "a#2 w3 [6,8)",
    ]);
  });

  test("shards go one by one, whoever comes first gets the next", () => {
    const first = shares(openPool("s", 3, 1), ["w1", "w2"]);
    expect(first.lines).toEqual(["s#0 w1 [0,1)", "s#1 w2 [1,2)"]);
    const second = shares(complete(first.pool, "s#1")!, ["w2"]);
    expect(second.lines).toEqual(["s#2 w2 [2,3)"]);
  });

  test("more workers than units leave workers idle", () => {
    expect(shares(openPool("a", 2, 2), ["w1", "w2", "w3"]).lines).toEqual(["a#0 w1 [0,1)", "a#1 w2 [1,2)"]);
  });

  test("nobody idle or nothing pending gives nothing", () => {
    const { pool, lines } = shares(openPool("a", 1, 1), []);
    expect(lines).toEqual([]);
    expect(shares(shares(pool, ["w1"]).pool, ["w2"]).lines).toEqual([]);
  });

  test("an assignment is one run of units: a gap left by done units is not spanned", () => {
    let { pool } = shares(openPool("a", 4, 4), ["w1", "w2", "w3", "w4"]);
    pool = complete(pool, "a#1")!;
    pool = dropWorker(dropWorker(dropWorker(pool, "w1"), "w3"), "w4");
    expect(shares(pool, ["w5"]).lines).toEqual(["a#4 w5 [0,1)"]);
  });
});

describe("coming back", () => {
  test("a result counts once; its duplicate is not live any more", () => {
    const { pool } = shares(openPool("a", 2, 2), ["w1"]);
    const done = complete(pool, "a#0")!;
    expect(isDone(done)).toBe(true);
    expect(doneCount(done)).toBe(2);
    expect(complete(done, "a#0")).toBeNull();
  });

  test("a result of a worker that was given up does not count: its units have gone to somebody else", () => {
    const { pool } = shares(openPool("a", 2, 2), ["w1"]);
    const again = shares(dropWorker(pool, "w1"), ["w2"]);
    expect(again.lines).toEqual(["a#1 w2 [0,2)"]);
    expect(complete(again.pool, "a#0")).toBeNull();
    expect(complete(again.pool, "a#1")).not.toBeNull();
  });

  test("failed work is counted against its units; the death of a worker is not", () => {
    const { pool } = shares(openPool("a", 4, 2), ["w1", "w2"]);
    expect(giveBack(pool, "a#1")!.failures).toEqual([0, 0, 1, 1]);
    expect(giveBack(pool, "a#9")).toBeNull();
    expect(dropWorker(pool, "w1").failures).toEqual([0, 0, 0, 0]);
  });

  test("work that takes too long is named", () => {
    const { pool } = shares(openPool("a", 2, 1), ["w1", "w2"], 1_000);
    expect(overdue(pool, 1_500, 500)).toEqual([]);
    expect(overdue(pool, 1_501, 500).map(({ workerId }) => workerId)).toEqual(["w1", "w2"]);
  });
});

test("whatever happens, a unit is pending, in exactly one assignment, or done", () => {
  const operation = fc.record({ kind: fc.constantFrom("assign", "complete", "fail", "drop"), pick: fc.nat(1_000) });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 12 }), fc.array(operation, { maxLength: 60 }), (unitCount, operations) => {
      let pool = openPool("p", unitCount, unitCount);
      const workers = ["w1", "w2", "w3", "w4"];
      for (const { kind, pick } of operations) {
        const { assignments } = pool;
        const one = assignments[pick % Math.max(1, assignments.length)];
        if (kind === "assign") {
          const idle = workers.filter((id) => !busyWorkers(pool).has(id)).slice(0, 1 + (pick % 4));
          pool = assignPending(pool, idle, 0).pool;
        } else if (kind === "complete" && one) pool = complete(pool, one.id)!;
        else if (kind === "fail" && one) pool = giveBack(pool, one.id)!;
        else if (kind === "drop") pool = dropWorker(pool, workers[pick % 4]!);
        pool.units.forEach((unit, i) => {
          const holders = pool.assignments.filter(({ first, end }) => first <= i && i < end).length;
          expect(holders).toBe(unit === "assigned" ? 1 : 0);
        });
      }
    }),
  );
});
