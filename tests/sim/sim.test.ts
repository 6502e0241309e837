/** The simulation finds nothing wrong with the cores, and would have: bugs that are put in are found. `npm run sim` runs more. */
import { describe, expect, test } from "vitest";
import { noBugs, type PlantedBugs } from "./faults.js";
import { simulate } from "./simulate.js";

const schedules = 300;
/** A planted bug must show within so many schedules. */
const bugSchedules = 200;

/** First seed whose schedule is violated, with what a checker said. */
function firstViolation(count: number, bugs: PlantedBugs): { seed: number; violation: string } | null {
  for (let seed = 1; seed <= count; seed++) {
    const { violation } = simulate(seed, { bugs });
    if (violation !== null) return { seed, violation };
  }
  return null;
}

test(`${schedules} schedules of crashes, hangs, partitions, lost and late messages change nothing`, () => {
  const found = firstViolation(schedules, noBugs);
  expect(found, `replay: npm run sim -- --seed ${found?.seed} --runs 1 --trace`).toBeNull();
});

test("a schedule is a function of its seed", () => {
  const tell = () => {
    const lines: string[] = [];
    simulate(7, { trace: (line) => lines.push(line) });
    return lines;
  };
  const told = tell();
  expect(told.length).toBeGreaterThan(50);
  expect(tell()).toEqual(told);
});

describe("a planted bug is found:", () => {
  test("workers that obey an old lease", () => {
    expect(firstViolation(bugSchedules, { ...noBugs, dropFencing: true })?.violation).toMatch(
      /^no work for an old lease/,
    );
  });

  test("results of given-up work that count as well", () => {
    const found = firstViolation(bugSchedules, { ...noBugs, acceptDuplicates: true });
    expect(found?.violation).toMatch(/^(every unit counts exactly once|the result is the undisturbed)/);
  });

  test("files that are renamed before they are flushed", () => {
    const found = firstViolation(bugSchedules, { ...noBugs, skipFsync: true });
    expect(found?.violation).toMatch(/^what is committed survives/);
  });
});
