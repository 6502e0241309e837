/** A simulated coordinator: runtime.ts and results.ts with the waiting made explicit, around the real coordinator/core. */
import type { RunEffect, RunEvent } from "../../coordinator/core/events.js";
import type { MemberBeat } from "../../coordinator/core/members.js";
import { phaseKey } from "../../coordinator/core/plan.js";
import { type RunState, startRun, step, type Transition } from "../../coordinator/core/run.js";
import { attachTimeoutMs, leaseMs, probeTimeoutMs, workTimeoutMs } from "../../shared/limits.js";
import type { LeaseClaim } from "../../worker/core/session.js";
import type { Env } from "./env.js";
import { SimLeases } from "./leases.js";
import { type Answer, ok, refused } from "./network.js";
import { positionOf, RunFolder, type SavedPosition } from "./run-folder.js";
import { combine, hash, keyOf, purposeKey } from "./work.js";
import type { WorkerNode } from "./worker-node.js";
import { Process } from "./world.js";

type Order = Extract<RunEffect, { kind: "assign" }>;
type Settle = Extract<RunEffect, { kind: "settle" }>;

/** As in coordinator/runtime.ts, only coarser: a tick decides nothing that depends on a quarter of a second. */
const tickMs = 1_000;

interface Link {
  readonly worker: WorkerNode;
  readonly claim: LeaseClaim;
}

export class CoordinatorNode {
  readonly process: Process;
  state!: RunState;
  ended: string | null = null;
  private readonly folder: RunFolder;
  private weights = "start";
  private results = new Map<number, string>();
  private readonly orders = new Map<string, Order>();
  private readonly finished = new Map<string, readonly string[]>();
  private leases!: SimLeases;
  private readonly links = new Map<string, Link>();

  constructor(
    private readonly env: Env,
    number: number,
  ) {
    this.process = new Process(`c${number}`, `c${number}`);
    this.folder = new RunFolder(env.disk, this.process, env.plan);
    this.boot();
  }

  get name(): string {
    return this.process.name;
  }

  private boot(): void {
    const coordinatorId = `${this.name}-id`;
    this.folder.claim(coordinatorId, (sitting) => {
      this.leases = new SimLeases(
        this.env,
        this.process,
        { runId: "run", coordinatorId, sitting },
        {
          onSuperseded: (reason) => this.end("superseded", reason),
          onLost: (workerId, reason) => this.handle({ kind: "lost", workerId, reason }),
        },
      );
      this.start(this.folder.open());
    });
  }

  private start(saved: SavedPosition): void {
    const { world, scenario, plan } = this.env;
    const { workersMin, audit } = scenario;
    const { phasesDone, nextStep } = saved;
    this.weights = saved.weights;
    this.env.observe({ kind: "resumed", coordinator: this.name, position: positionOf(saved) });
    const base = {
      runId: "run",
      workersMin,
      allowMixed: false,
      audit,
      fingerprint: null,
      plan,
      phaseIndex: phasesDone,
    };
    world.every(tickMs, this.process, () => this.handle({ kind: "tick" }));
    world.every(leaseMs / 3, this.process, () => this.leases.renew());
    this.perform(startRun(nextStep === null ? base : { ...base, nextStep }));
  }

  onBeat(beat: MemberBeat): void {
    if (this.state) this.handle({ kind: "beat", beat });
  }

  private handle(event: RunEvent): void {
    if (this.ended === null) this.perform(step(this.state, event, this.env.world.nowMs));
  }

  private perform({ state, effects }: Transition): void {
    this.state = state;
    for (const effect of effects) this.do(effect);
  }

  private do(effect: RunEffect): void {
    switch (effect.kind) {
      case "attach":
        this.attach(effect.workerId, effect.attempt);
        return;
      case "probe":
        this.probe(effect.workerId);
        return;
      case "release":
        this.release(effect.workerId);
        return;
      case "assign":
        this.work(effect);
        return;
      case "accept":
        this.accept(effect.assignmentId);
        return;
      case "discard":
        this.env.bugs.acceptDuplicates ? this.accept(effect.assignmentId) : this.forget(effect.assignmentId);
        return;
      case "settle":
        this.settle(effect);
        return;
      case "finish":
        this.end(effect.outcome.state, effect.outcome.reason);
        return;
      case "report":
        this.env.observe({ kind: "reported", coordinator: this.name, record: effect.record });
        this.env.trace(this.name, JSON.stringify(effect.record));
        return;
    }
  }

  private attach(workerId: string, attempt: number): void {
    const lost = (reason: string) =>
      this.handle({ kind: "lost", workerId, attempt, reason: `cannot attach: ${reason}` });
    this.leases.take(workerId, lost, (claim) => {
      const worker = this.env.workers.get(workerId)!;
      this.links.set(workerId, { worker, claim });
      this.env.network.call<null>(
        this.process,
        worker.process,
        attachTimeoutMs,
        (reply) => worker.attach(this.attachCall(claim), reply),
        (answer) => (answer.kind === "ok" ? this.handle({ kind: "attached", workerId, attempt }) : lost(answer.reason)),
      );
    });
  }

  private probe(workerId: string): void {
    const link = this.links.get(workerId);
    if (!link) return;
    this.env.network.call<null>(
      this.process,
      link.worker.process,
      probeTimeoutMs,
      (reply) => link.worker.ping(link.claim, reply),
      (answer) => {
        if (answer.kind === "ok" && this.links.get(workerId) === link) this.handle({ kind: "alive", workerId });
      },
    );
  }

  private attachCall(claim: LeaseClaim) {
    const serveWeights = (wanted: string): Answer<string> => {
      return wanted === this.weights ? ok(wanted) : refused("INTERNAL", "no such blob");
    };
    return { claim, coordinator: this.process, serveWeights };
  }

  private release(workerId: string): void {
    const link = this.links.get(workerId);
    if (link) this.detach(link);
    this.links.delete(workerId);
    this.leases.release(workerId);
  }

  private work(order: Order): void {
    const { id, workerId, first, end } = order.assignment;
    this.orders.set(id, order);
    const link = this.links.get(workerId);
    if (!link) {
      this.forget(id);
      this.handle({ kind: "lost", workerId, assignmentId: id, reason: "no connection" });
      return;
    }
    const { claim } = link;
    const input = { phase: phaseKey(order.phase), purpose: purposeKey(order.purpose), weights: this.weights };
    this.env.network.call<null>(
      this.process,
      link.worker.process,
      workTimeoutMs,
      (reply) => link.worker.work({ claim, key: id, input, first, end }, reply),
      (answer) => (answer.kind === "ok" ? this.pull(order, link) : this.workFailed(order, answer)),
    );
  }

  private pull(order: Order, link: Link): void {
    const { id } = order.assignment;
    const { claim } = link;
    this.env.network.call<readonly string[]>(
      this.process,
      link.worker.process,
      workTimeoutMs,
      (reply) => reply(link.worker.outputs(claim, id)),
      (answer) => {
        if (answer.kind !== "ok") return this.workFailed(order, { kind: "unreachable", reason: answer.reason });
        this.deliver(order, answer.value);
        const { world, network } = this.env;
        if (world.chance(network.faults.duplication)) {
          world.after(world.rng.uniform(0, 20_000), this.process, () => this.deliver(order, answer.value));
        }
      },
    );
  }

  private deliver(order: Order, result: readonly string[]): void {
    const { id } = order.assignment;
    this.orders.set(id, order);
    this.finished.set(id, result);
    if (result.includes("NaN")) {
      this.handle({ kind: "bad", assignmentId: id, reason: "not a number", isNumeric: false });
    } else this.handle({ kind: "done", assignmentId: id, digest: hash(result.join()) });
  }

  private workFailed({ assignment }: Order, answer: Exclude<Answer<unknown>, { kind: "ok" }>): void {
    this.forget(assignment.id);
    const { reason } = answer;
    if (answer.kind === "refused" && answer.code === "INTERNAL") {
      this.handle({ kind: "failed", assignmentId: assignment.id, reason });
      return;
    }
    this.handle({ kind: "lost", workerId: assignment.workerId, assignmentId: assignment.id, reason });
  }

  private accept(assignmentId: string): void {
    const order = this.orders.get(assignmentId);
    const result = this.finished.get(assignmentId);
    this.forget(assignmentId);
    if (!order || !result) return;
    const { first, end } = order.assignment;
    this.env.observe({ kind: "counted", coordinator: this.name, key: keyOf(order), first, end });
    result.forEach((value, i) => {
      this.results.set(first + i, value);
    });
  }

  private forget(assignmentId: string): void {
    this.orders.delete(assignmentId);
    this.finished.delete(assignmentId);
  }

  private settle(effect: Settle): void {
    const { phase, purpose } = effect;
    const units = purpose.kind === "init" ? 1 : phase.units;
    this.weights = combine(
      this.weights,
      Array.from({ length: units }, (_, unit) => this.results.get(unit) ?? "missing"),
    );
    this.results = new Map();
    this.env.observe({ kind: "committed", coordinator: this.name, key: keyOf(effect), units, weights: this.weights });
    this.makeDurable(effect, () => this.handle({ kind: "settled" }));
  }

  private makeDurable({ purpose, lastStep }: Settle, done: () => void): void {
    const { phaseIndex } = this.state;
    const { weights } = this;
    const safe = (position: number) => () => {
      this.env.observe({ kind: "durable", coordinator: this.name, position });
      done();
    };
    if (purpose.kind === "map" || lastStep) {
      const phasesDone = phaseIndex + 1;
      this.folder.writeProgress({ phasesDone, weights }, safe(positionOf({ phasesDone, nextStep: null })));
      return;
    }
    const nextStep = purpose.kind === "step" ? purpose.step + 1 : 0;
    if (nextStep === 0 || nextStep % this.env.scenario.checkpointSteps !== 0) {
      this.env.world.after(0, this.process, done);
      return;
    }
    const position = positionOf({ phasesDone: phaseIndex, nextStep });
    this.folder.writeCheckpoint(phaseIndex, { nextStep, weights }, safe(position));
  }

  private detach({ worker, claim }: Link): void {
    this.env.network.send(this.process.place, worker.process, () => worker.detach(claim));
  }

  private end(state: string, reason: string): void {
    if (this.ended !== null) return;
    this.ended = state;
    this.env.trace(this.name, `ends ${state}: ${reason}`);
    this.env.observe({ kind: "ended", coordinator: this.name, state, reason, weights: this.weights });
    for (const workerId of [...this.links.keys()]) this.release(workerId);
    this.env.world.after(2_000, null, () => this.process.kill());
  }
}
