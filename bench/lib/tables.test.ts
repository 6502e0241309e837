import { describe, expect, test } from "vitest";
import { median, type RowResult, timeRatio } from "./row.js";
import { line, markdown, markers, withGenerated } from "./tables.js";

const side = { program: { kind: "ours", script: "x" }, work: {} } as const;
const result: RowResult = {
  row: {
    ...{ name: "slic", group: "pictures", work: "SLIC", peer: "scikit-image", unit: "images/s", bar: 1, seconds: 1 },
    ...{ ours: side, theirs: side },
  },
  ours: { version: "ours 1", rates: [10, 20, 5], peakBytes: 2e6 },
  theirs: { version: "theirs 2", rates: [20, 20, 20], peakBytes: 3_000e6 },
};

describe("the bench's tables", () => {
  test("a ratio is of times, pair by pair: 2 means that we take twice as long", () => {
    expect(timeRatio(result.ours.rates, result.theirs.rates)).toEqual({ median: 2, low: 1, high: 4 });
    expect(median([4, 1, 3, 2])).toBe(2.5);
  });

  test("say what was missed", () => {
    const about = { date: "today", machine: "a box", rounds: 3, command: "npm run bench", skipped: ["gloo: no torch"] };
    const text = markdown([result], about);
    expect(text).toContain("| **2.00** (1.00 to 4.00) | ≤ 1.00, missed | 2 | 3,000 |");
    expect(text).toContain("Not measured: gloo: no torch.");
    expect(line(result, [])).toContain("time 2.00 (1.00 to 4.00)");
  });

  test("of two peers at the same work the slower may not be faster than ours, the faster by as much as the row says", () => {
    const against = (name: string, twin: string, rate: number): RowResult => ({
      row: { ...result.row, name, twin, bar: 1.15 },
      ours: { ...result.ours, rates: [10] },
      theirs: { ...result.theirs, rates: [rate] },
    });
    const both = [against("a", "b", 10.5), against("b", "a", 11)];
    expect(both.map((one) => line(one, both).match(/aim (.*?),? \d+ against/)![1])).toEqual([
      "≤ 1.00, missed",
      "≤ 1.15",
    ]);
    expect(line(both[1]!, []), "without the other").toContain("aim ≤ 1.00, missed");
  });

  test("replace what stands between the markers and nothing else", () => {
    const document = `before\n${markers.begin}\nold\n${markers.end}\nafter`;
    expect(withGenerated(document, "new\n")).toBe(`before\n${markers.begin}\nnew\n${markers.end}\nafter`);
    expect(() => withGenerated("no markers", "new")).toThrow("lacks");
  });
});
