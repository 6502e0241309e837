import { describe, expect, test } from "vitest";
import { judgeCluster } from "./broker.js";
import { judgeEngine, judgeGpu } from "./engine.js";
import { runCheck } from "./finding.js";
import { judgeClock, judgeDisk, judgeMemory } from "./machine.js";
import { judgeNode } from "./tools.js";

const gib = 1024 ** 3;
const cpu = {
  ...({ ok: true, name: "tensorflow", reason: "asked for", version: "tfjs", device: "cpu: 2 threads" } as const),
  ...{ loadMs: 1500, computeMs: 300 },
};
const broken = { ok: false, code: "ENGINE_MISSING", message: "not installed", hint: "Run setup." } as const;

describe("the doctor's verdicts", () => {
  test("an engine that loads is fine; one that does not is a failure with its own advice", () => {
    expect(judgeEngine(cpu)).toMatchObject({ verdict: "ok", advice: null });
    expect(judgeEngine({ ...cpu, name: "wasm", reason: "in place of TensorFlow" }).verdict).toBe("warn");
    expect(judgeEngine({ ...cpu, name: "wasm" }).verdict).toBe("ok");
    expect(judgeEngine(broken)).toMatchObject({ verdict: "fail", advice: "Run setup." });
  });

  test("a GPU that is idle while the processor computes is worth a warning; no GPU is not", () => {
    expect(judgeGpu(cpu, ["H100"], "550").verdict).toBe("warn");
    expect(judgeGpu(cpu, [], "550").verdict).toBe("warn");
    expect(judgeGpu(cpu, [], null).verdict).toBe("ok");
    expect(judgeGpu({ ...cpu, device: "gpu: H100" }, ["H100"], "550")).toMatchObject({ value: "H100, driver 550" });
  });

  test("Node must be as package.json says", () => {
    expect(["20.11.9", "18.20.0"].map((version) => judgeNode(version).verdict)).toEqual(["fail", "fail"]);
    expect(["20.12.0", "22.0.0"].map((version) => judgeNode(version).verdict)).toEqual(["ok", "ok"]);
  });

  test("little room is a warning, a folder that cannot be written a failure", () => {
    expect(judgeDisk("runs", 50 * gib, true).verdict).toBe("ok");
    expect(judgeDisk("runs", 1.9 * gib, true).verdict).toBe("warn");
    expect(judgeDisk("runs", 50 * gib, false).verdict).toBe("fail");
    expect(judgeMemory(gib).verdict).toBe("warn");
  });

  test("a clock away from the disk's, or long ago, is a warning", () => {
    const now = new Date("2026-05-01T00:00:00Z");
    expect(judgeClock(now, now.getTime() - 500).verdict).toBe("ok");
    expect(judgeClock(now, now.getTime() - 60_000).verdict).toBe("warn");
    expect(judgeClock(new Date(0), 0).verdict).toBe("warn");
  });

  test("a cluster wants workers, and of one kind", () => {
    const worker = { fingerprint: "a", leasedBy: null };
    expect(judgeCluster("b", []).verdict).toBe("warn");
    expect(judgeCluster("b", [worker, { ...worker, leasedBy: "run" }])).toMatchObject({
      verdict: "ok",
      value: "b; 2 worker(s), 1 free",
    });
    expect(judgeCluster("b", [worker, { ...worker, fingerprint: "c" }]).verdict).toBe("warn");
  });

  test("a check that breaks is a failure, not the end of the doctor", async () => {
    const finding = await runCheck({ name: "x", run: () => Promise.reject(new Error("boom")) });
    expect(finding).toMatchObject({ name: "x", verdict: "fail", value: "cannot be checked: boom" });
  });
});
