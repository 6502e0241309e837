import { stripVTControlCharacters } from "node:util";
import { describe, expect, test } from "vitest";
import { wasmFingerprint } from "../shared/engine-name.js";
import type { RunEventRecord } from "../shared/net/subjects.js";
import { Narrator } from "./narrator.js";

function tell(...records: readonly ({ kind: string } & Record<string, unknown>)[]): string[] {
  const narrator = new Narrator();
  const complete = records.map((record): RunEventRecord => ({ at: "2026-01-01T00:00:00Z", runId: "r", ...record }));
  return complete.flatMap((record) => narrator.tell(record)).map(stripVTControlCharacters);
}

const labels = { miou: 0.5, precision: 0.6, recall: 0.7 };
const val = { miou: 0.4321, fgMiou: 0.3, boundaryIou: 0.2 };
const refined = { kind: "stage", name: "round-1", labels, val: null, changedShare: 0.125, seconds: 65 };
const evaluated = { ...refined, val, seconds: 70 };

describe("the narrator", () => {
  test("tells a round once, with its validation", () => {
    const lines = tell(refined, { kind: "phase-started", phase: "evaluate-1" }, evaluated);
    expect(lines).toEqual([
      "round-1  labels mIoU .5000, val mIoU .4321 fg .3000 boundary .2000, 12.5 % of the labels changed (1 min 10 s)",
    ]);
  });

  test("tells a round without validation when the next phase begins, or the run ends", () => {
    expect(tell(refined)).toEqual([]);
    expect(tell(refined, { kind: "phase-started", phase: "train-2" })).toHaveLength(1);
    expect(tell(refined, { kind: "run-ended", state: "done", reason: "" })).toHaveLength(1);
  });

  test("a stage without any score is done, not silent", () => {
    const bare = { kind: "stage", name: "seeds", labels: null, val: null, changedShare: null, seconds: 3 };
    expect(tell(bare)).toEqual(["seeds    done (3 s)"]);
  });

  test("sums up kept masks and doubtful tags at the end of their phase", () => {
    const reasonOf = (i: number) => (i === 2 ? "no foreground is left" : `shrank to ${i}0 % of the old foreground`);
    const kept = Array.from({ length: 7 }, (_, i) => ({ kind: "labels-kept", path: `${i}.jpg`, reason: reasonOf(i) }));
    const doubtful = { kind: "tag-doubtful", path: "x.jpg", scores: [0.1] };
    const lines = tell(...kept, doubtful, { kind: "phase-done", phase: "refine-1" });
    expect(lines[0]).toBe(
      "7 new masks refused, the old kept: shrank to ... of the old foreground (6, as 0.jpg), no foreground is left (1, as 2.jpg)",
    );
    expect(lines[1]).toBe("1 doubtful tag: the classifier sees no sign of the tag in x.jpg");
    expect(lines).toHaveLength(2);
  });

  test("gives the reason of a lost worker", () => {
    expect(tell({ kind: "worker-lost", workerId: "w1", reason: "silent for 11000 ms" })).toEqual([
      "worker w1 lost: silent for 11000 ms; its work goes to others",
    ]);
  });

  test("says once, and before the first worker, that a slow engine computes", () => {
    const joined = (workerId: string, fingerprint: string) => ({ kind: "worker-joined", workerId, fingerprint });
    const wasm = wasmFingerprint("1", "abc", "x64");
    expect(tell(joined("w1", wasm), joined("w2", wasm))).toEqual([
      "computing with WebAssembly: 1.4 to 4 times slower than TensorFlow (docs/ENGINES.md)",
      "worker w1 joined",
      "worker w2 joined",
    ]);
    expect(tell(joined("w1", "tensorflow; 1"))).toEqual(["worker w1 joined"]);
  });

  test("passes over a stage of another version instead of failing", () => {
    expect(tell({ kind: "stage", name: 7 })).toEqual([]);
  });
});
