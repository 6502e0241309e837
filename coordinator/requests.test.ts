import { describe, expect, test } from "vitest";
import type { Purpose } from "./core/events.js";
import type { Phase, PhaseKind } from "./core/plan.js";
import { type RunDigests, requestFor } from "./requests.js";

const digests: RunDigests = {
  change: null,
  weights: "W",
  classifier: "C",
  labels: "L",
  corrections: "K",
  cams: ["cam-0", "cam-1"],
  specs: "",
  checksums: false,
};

function request(kind: PhaseKind, purpose: Purpose, first = 1, end = 3, of = digests) {
  const phase: Phase = { kind, round: kind === "classify" || kind === "seed" ? 0 : 2, steps: 5, units: 4 };
  const assignment = { id: "key", workerId: "w1", first, end, startedAtMs: 0 };
  return requestFor({ assignment, phase, purpose }, of);
}

describe("a command says all that the work depends on", () => {
  test("the classifier starts from nothing, a round's segmenter from the classifier", () => {
    const classifier = request("classify", { kind: "init" });
    expect(classifier).toMatchObject({ job: "init", stage: { model: "classifier", round: 0 }, weightsDigest: "" });
    expect(classifier.init).toEqual({ classifierDigest: "" });
    const segmenter = request("train", { kind: "init" });
    expect(segmenter).toMatchObject({ stage: { model: "segmenter", round: 2 }, init: { classifierDigest: "C" } });
  });

  test("gradients: step, micro-batches, weights; labels only where there are any", () => {
    const gradient = { step: 4, leafFirst: 1, leafEnd: 3, leafCount: 4 };
    const classify = request("classify", { kind: "step", step: 4 });
    expect(classify).toMatchObject({ key: "key", job: "gradient", weightsDigest: "W" });
    expect(classify.gradient).toEqual({ ...gradient, labelsDigest: "", correctionsDigest: "" });
    expect(classify.change).toBeNull();
    expect(classify.checksums).toBe(false);
    expect(request("classify", { kind: "step", step: 4 }, 1, 3, { ...digests, checksums: true }).checksums).toBe(true);
    const moved = { ...digests, change: { base: "V", digest: "D" } };
    expect(request("classify", { kind: "step", step: 4 }, 1, 3, moved).change).toEqual({
      baseDigest: "V",
      digest: "D",
    });
    const train = { ...gradient, labelsDigest: "L", correctionsDigest: "K" };
    expect(request("train", { kind: "step", step: 4 }).gradient).toEqual(train);
  });

  test("shards: seeds by the classifier; refining needs the shard's CAM and the current labels", () => {
    expect(request("seed", { kind: "map" })).toMatchObject({ seed: { shard: 1 }, stage: { model: "classifier" } });
    const refine = { shard: 1, camDigest: "cam-1", labelsDigest: "L", correctionsDigest: "K" };
    expect(request("refine", { kind: "map" }).refine).toEqual(refine);
    expect(request("evaluate", { kind: "map" })).toMatchObject({ evaluate: { shard: 1 }, stage: { round: 2 } });
  });

  test("training is no map over shards", () => {
    expect(() => request("train", { kind: "map" })).toThrow("train is not a map over shards");
  });
});
