/** Sharded training as transcripts: one line per effect. */
import { describe, expect, test } from "vitest";
import { protocolVersion } from "../../shared/version.js";
import { majority } from "./exchange.js";
import { atStep, type Complaint, culpritOf, sliceRange } from "./exchange-state.js";
import { planRun } from "./plan.js";
import { Transcript } from "./testing.js";

const sharded = { topology: "sharded" as const };

/** Workers that have just begun the first step of the classifier, a micro-batch each. */
function atFirstStep(...workerIds: readonly string[]): Transcript {
  const leafCount = Math.max(2, workerIds.length);
  const stage = { steps: 1, leafCount };
  const run = new Transcript({
    ...sharded,
    plan: planRun({ classifier: stage, segmenter: stage, rounds: 1, trainShards: 1, valShards: 0 }),
  });
  for (const id of workerIds) run.join(id);
  run.done("classify/init#0");
  run.settled();
  return run;
}

/** One worker's update led to `digest`. */
function applied(run: Transcript, assignmentId: string, digest: string): string[] {
  return run.on({ kind: "done", assignmentId, digest });
}

describe("a step", () => {
  test("is micro-batches, then a slice of their sums for each worker, then everybody's update", () => {
    const run = atFirstStep("w1", "w2");
    expect(run.done("classify/0#0")).toEqual(["accept classify/0#0"]);
    expect(run.done("classify/0#1")).toEqual([
      "accept classify/0#1",
      "assign classify/0/reduce~1#0 to w1 [0,1)",
      "assign classify/0/reduce~1#1 to w2 [1,2)",
    ]);
    run.done("classify/0/reduce~1#1");
    expect(run.done("classify/0/reduce~1#0")).toEqual([
      "accept classify/0/reduce~1#0",
      "assign classify/0/apply~2#0 to w1 [0,1)",
      "assign classify/0/apply~2#1 to w2 [1,2)",
    ]);
    expect(applied(run, "classify/0/apply~2#1", "new")).toEqual([]);
    expect(applied(run, "classify/0/apply~2#0", "new")).toEqual([
      "accept classify/0/apply~2#1",
      "accept classify/0/apply~2#0",
      'settle classify {"kind":"apply","step":0} last',
    ]);
  });

  test("loses with a worker the sums it had: they are computed again, the others' are kept", () => {
    const run = atFirstStep("w1", "w2");
    run.done("classify/0#0");
    run.done("classify/0#1");
    expect(run.on({ kind: "lost", workerId: "w2", reason: "crashed" })).toEqual([
      "release w2",
      "worker-lost w2 crashed",
      "waiting waiting for w1 to end work that does not count any more",
    ]);
    // Its slice was of sums of which one is gone.
    expect(run.done("classify/0/reduce~1#0")).toEqual([
      "discard classify/0/reduce~1#0",
      "running",
      "assign classify/0/step~2#0 to w1 [1,2)",
    ]);
  });
});

describe("workers that arrive at different parameters", () => {
  const toApply = (...ids: readonly string[]) => {
    const run = atFirstStep(...ids);
    for (let leaf = 0; leaf < ids.length; leaf++) run.done(`classify/0#${leaf}`);
    for (let unit = 0; unit < ids.length; unit++) run.done(`classify/0/reduce~1#${unit}`);
    return run;
  };

  test("are outvoted by most of the others, and quarantined", () => {
    const run = toApply("w1", "w2", "w3");
    applied(run, "classify/0/apply~2#0", "right");
    applied(run, "classify/0/apply~2#1", "wrong");
    expect(applied(run, "classify/0/apply~2#2", "right")).toEqual([
      "accept classify/0/apply~2#0",
      "accept classify/0/apply~2#2",
      "discard classify/0/apply~2#1",
      "release w2",
      "worker-quarantined w2 arrived at other parameters than w1, w3",
      'settle classify {"kind":"apply","step":0} last',
    ]);
  });

  test("without a majority begin again at the checkpoint, once; then the run says so and ends", () => {
    const run = toApply("w1", "w2");
    applied(run, "classify/0/apply~2#0", "one");
    const again = applied(run, "classify/0/apply~2#1", "other");
    expect(again).toContain("rewind classify");
    expect(run.on({ kind: "rewound", step: 0 })).toContain("assign classify/0~r1#0 to w1 [0,1)");
    for (const id of ["classify/0~r1#0", "classify/0~r1#1", "classify/0/reduce~3#0", "classify/0/reduce~3#1"])
      run.done(id);
    applied(run, "classify/0/apply~4#0", "one");
    expect(applied(run, "classify/0/apply~4#1", "other").at(-1)).toMatch(/^finish failed: w1, w2 arrived at different/);
  });

  test("are counted by what they arrived at", () => {
    const of = (...digests: readonly string[]) =>
      digests.map((digest, i) => ({ workerId: `w${i}`, assignmentId: `${i}`, digest }));
    expect(majority(of("a", "b", "a"))?.dissenters.map(({ workerId }) => workerId)).toEqual(["w1"]);
    expect(majority(of("a", "b"))).toBeNull();
    expect(majority(of("a"))?.winners).toHaveLength(1);
  });
});

describe("a worker that cannot pull from another", () => {
  const said = (...pairs: readonly string[]): Complaint[] => pairs.map((pair) => ({ by: pair[0]!, about: pair[1]! }));
  const culprit = (complaints: Complaint[], inStep = ["a", "b", "c", "x"]) => {
    return culpritOf({ ...atStep(null, inStep, 0), complaints }, complaints.at(-1)!);
  };

  test("is listened to at its second complaint, or another's", () => {
    expect(culprit(said("ax"))).toBeNull();
    expect(culprit(said("ax", "ax"))).toBe("x");
    expect(culprit(said("ax", "bx"))).toBe("x");
  });

  test("is itself at fault when it can pull from nobody", () => {
    expect(culprit(said("xa", "xb", "xc", "xa"))).toBe("x");
  });

  test("does not take the model from the run by asking for it", () => {
    expect(culprit(said("xa", "xa"), ["a"])).toBe("x");
  });

  test("gets its piece again; the one complained of twice is given up", () => {
    const run = atFirstStep("w1", "w2");
    run.done("classify/0#0");
    run.done("classify/0#1");
    const cutOff = (assignmentId: string) => run.on({ kind: "cut-off", assignmentId, missing: ["w2"] });
    expect(cutOff("classify/0/reduce~1#0")).toEqual([
      "work-cut-off w1 cannot pull from w2",
      "assign classify/0/reduce~1#2 to w1 [0,1)",
    ]);
    expect(cutOff("classify/0/reduce~1#2")).toContain("release w2");
  });
});

describe("leaving", () => {
  test("waits until the others have what one has computed", () => {
    const run = atFirstStep("w1", "w2");
    run.done("classify/0#0");
    const beat = { workerId: "w1", fingerprint: "tf", leasedBy: null, state: "draining" as const };
    expect(run.on({ kind: "beat", beat: { ...beat, protocolVersion } })).toEqual(["worker-draining w1"]);
    expect(run.on({ kind: "tick" })).toEqual([]);
    run.done("classify/0#1");
    run.done("classify/0/reduce~1#0");
    applied(run, "classify/0/apply~2#0", "new");
    expect(run.settled()).toContain("worker-drained w1");
  });

  test("a worker that nobody can dial is told that sharded training needs that", () => {
    const run = new Transcript(sharded);
    const beat = { workerId: "w1", protocolVersion, fingerprint: "tf", leasedBy: null, isCaller: true };
    expect(run.on({ kind: "beat", beat })[0]).toMatch(
      /^worker-refused w1 cannot be reached by other workers \(--push\)/,
    );
  });
});

test("slices cover every number once, and differ by a block at most", () => {
  const ranges = Array.from({ length: 7 }, (_, i) => sliceRange(i, 7, 1000));
  expect(ranges[0]!.first).toBe(0);
  expect(ranges.at(-1)!.end).toBe(1000);
  expect(ranges.map(({ first, end }) => end - first)).toEqual([128, 160, 128, 160, 128, 160, 136]);
});
