/**
 * What deciding costs the coordinator: its state machine and the commands it makes, for so many workers that no machine
 * here could hold them. No worker, no network, no model; only processor time.
 */

import type { RunEffect, RunEvent } from "../../coordinator/core/events.js";
import { planRun } from "../../coordinator/core/plan.js";
import { step as advance, type RunState, startRun } from "../../coordinator/core/run.js";
import { exchangeFacts } from "../../coordinator/exchange-requests.js";
import { type RunDigests, requestFor } from "../../coordinator/requests.js";
import type { StageFacts } from "../../coordinator/sharded-training.js";
import { Worker } from "../../shared/net/proto.js";
import { protocolVersion } from "../../shared/version.js";
import type { Mode } from "./simulated-cluster.js";

const digest = "0".repeat(64);
const digests: RunDigests = {
  weights: digest,
  classifier: "",
  labels: "",
  corrections: "",
  cams: [],
  specs: digest,
  change: null,
  checksums: true,
};
const stage: StageFacts = {
  ...{ specsDigest: digest, point: [], sumLength: 3_500_002, hashSums: false },
  keptAfter: () => [],
};

export interface CoreCost {
  /** Of one update, milliseconds of processor time. */
  readonly cpuMs: number;
  /** Bytes of its commands. */
  readonly commandBytes: number;
}

/** Every worker has one unit of each update. */
export function coreCost(workers: number, mode: Mode, updates: number): CoreCost {
  const coordinator = new Coordinator(workers, mode, updates + 1);
  coordinator.update();
  coordinator.commandBytes = 0;
  const from = process.cpuUsage();
  for (let i = 0; i < updates; i++) coordinator.update();
  const { user, system } = process.cpuUsage(from);
  return { cpuMs: (user + system) / 1_000 / updates, commandBytes: coordinator.commandBytes / updates };
}

class Coordinator {
  private state: RunState;
  private nowMs = 0;
  private open: string[] = [];
  private settles = false;
  commandBytes = 0;

  constructor(workers: number, mode: Mode, updates: number) {
    const local = { replicas: workers, steps: 1 };
    const planned = { steps: updates + 1, leafCount: workers, ...(mode === "local" ? { local } : {}) };
    const plan = planRun({ classifier: planned, segmenter: planned, rounds: 1, trainShards: 1, valShards: 0 });
    const options = { runId: "r", workersMin: workers, allowMixed: false, fingerprint: null, plan, phaseIndex: 0 };
    this.state = startRun({ ...options, topology: mode === "sharded" ? "sharded" : "star" }).state;
    for (let i = 0; i < workers; i++) {
      const workerId = `worker-${i}`;
      this.on({ kind: "beat", beat: { workerId, protocolVersion, fingerprint: "simulated", leasedBy: null } });
      this.on({ kind: "attached", workerId });
    }
    this.answerAll();
    this.settle();
  }

  /** Answers until something is settled. */
  update(): void {
    while (!this.settles) this.answerAll();
    this.settle();
  }

  private answerAll(): void {
    if (this.open.length === 0) throw new Error("nobody has anything to do");
    // All at once: who is slower gets less, and here nobody is.
    this.nowMs += 1_000;
    for (const assignmentId of this.open.splice(0)) this.on({ kind: "done", assignmentId, digest });
  }

  private settle(): void {
    this.settles = false;
    this.on({ kind: "settled" });
  }

  private on(event: RunEvent): void {
    const { state, effects } = advance(this.state, event, this.nowMs);
    this.state = state;
    for (const effect of effects) this.perform(effect);
  }

  private perform(effect: RunEffect): void {
    if (effect.kind === "settle") this.settles = true;
    if (effect.kind !== "assign") return;
    const facts = exchangeFacts(effect.purpose, this.state, stage, () => "10.0.0.1:7001");
    const request = requestFor(effect, digests, facts);
    this.commandBytes += Worker.service.Work.requestSerialize(request).length;
    this.open.push(effect.assignment.id);
  }
}
