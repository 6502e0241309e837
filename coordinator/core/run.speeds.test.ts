import { expect, test } from "vitest";
import { planRun } from "./plan.js";
import { Transcript } from "./testing.js";

const msPerUnit: Readonly<Record<string, number>> = { fast: 100, quick: 100, slow: 400 };
const once = { segmenter: { steps: 1, leafCount: 1 }, rounds: 1, trainShards: 6, valShards: 0 };
const plan = planRun({ classifier: { steps: 6, leafCount: 24 }, ...once });

/** Plays workers that take what they take; gives the time of each settling. */
function settledAt(run: Transcript, isOver: () => boolean): number[] {
  const settled: number[] = [];
  const running = new Map<string, number>();
  while (!isOver()) {
    for (const { id, workerId, startedAtMs, first, end } of run.state.pool.assignments) {
      running.set(id, startedAtMs + (end - first) * msPerUnit[workerId]!);
    }
    const [next] = [...running].sort(([, a], [, b]) => a - b);
    if (run.state.activity === "settling") {
      settled.push(run.nowMs);
      run.settled();
    } else if (next) {
      running.delete(next[0]);
      run.nowMs = Math.max(run.nowMs, next[1]);
      run.done(next[0]);
    }
  }
  return settled;
}

test("workers of unequal speed share a step so that nobody waits long for the slowest", () => {
  const run = new Transcript({ plan });
  for (const workerId of Object.keys(msPerUnit)) run.join(workerId);
  const [init, ...steps] = settledAt(run, () => run.state.phaseIndex > 0);
  const took = steps.map((at, i) => at - (steps[i - 1] ?? init!));
  // Eight units each until they are measured warm; then 11, 10 and 3. Nobody could do it in less than 1,067 ms.
  expect(took).toEqual([3_200, 3_200, 1_200, 1_200, 1_200, 1_200]);
});
