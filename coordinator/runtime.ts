/** The coordinator's only event loop: feeds what happens to the state machine, and does what it answers. */
import { AppError } from "../shared/errors.js";
import { clusterEventMs, diskCheckMs, leaseMs } from "../shared/limits.js";
import { type Bus, onJson, publishJson } from "../shared/net/bus.js";
import { peerError } from "../shared/net/rpc.js";
import type { RunStatus, WorkerBeat } from "../shared/net/subjects.js";
import { subjects, workerBeatSchema } from "../shared/net/subjects.js";
import { tunnelAddress } from "../shared/net/tunnel.js";
import { spaceOf } from "./adapters/disk-space.js";
import { type EventLog, publishStatus } from "./adapters/event-log.js";
import type { Leases } from "./adapters/leases.js";
import type { WorkerLinks, WorkResult } from "./adapters/worker-links.js";
import { diskHold } from "./core/disk.js";
import type { Outcome, RunEffect, RunEvent } from "./core/events.js";
import type { Phase } from "./core/plan.js";
import { currentPhase, type RunState, type StartOptions, startRun, step, type Transition } from "./core/run.js";
import { liveAssignment } from "./core/work-pool.js";
import { exchangeFacts } from "./exchange-requests.js";
import { verdictOn } from "./failed-work.js";
import { resultDigest } from "./inspect.js";
import { notesOf } from "./notes.js";
import { requestFor, type WorkOrder } from "./requests.js";
import type { RunResults } from "./results.js";
import { StateLost } from "./stage-training.js";
import { describeRun, type HeardBeat } from "./status.js";
import type { Telemetry } from "./telemetry.js";
import { Throughput } from "./throughput.js";
import { WireBytes } from "./wire-bytes.js";

export interface RuntimeDeps {
  readonly bus: Bus;
  readonly events: EventLog;
  readonly leases: Leases;
  readonly links: WorkerLinks;
  readonly results: RunResults;
  readonly runDir: string;
  readonly nowMs: () => number;
  readonly telemetry: Pick<Telemetry, "onWork" | "inPhase">;
  /** Called a few times a second with what `seedgrow status` would show. */
  readonly onStatus: (status: RunStatus) => void;
}

const tickMs = 250;

export class RunRuntime {
  private state: RunState;
  private readonly orders = new Map<string, WorkOrder>();
  private readonly finished = new Map<string, WorkResult>();
  private readonly throughput = new Throughput();
  private readonly wire = new WireBytes();
  private finish: (outcome: Outcome) => void = () => undefined;
  private lossOfStep: number | null = null;
  readonly beats = new Map<string, HeardBeat>();

  constructor(
    private readonly deps: RuntimeDeps,
    private readonly start: StartOptions,
  ) {
    this.state = startRun(start).state;
  }

  /** Runs to the end; resolves with how it ended. Everything it started is stopped again. */
  async run(): Promise<Outcome> {
    const { bus, leases, links } = this.deps;
    const outcome = new Promise<Outcome>((resolve) => {
      this.finish = resolve;
    });
    const beats = onJson(bus, subjects.beat, workerBeatSchema, (beat) => this.onBeat(beat));
    const timers = [
      setInterval(() => this.handle({ kind: "tick" }), tickMs),
      setInterval(() => this.reportStatus(true), 1_000),
      setInterval(() => void this.renewLeases(), leaseMs / 3),
      setInterval(() => this.noteCluster(), clusterEventMs),
      setInterval(() => void this.watchDisk(), diskCheckMs),
    ];
    this.perform(startRun(this.start));
    publishJson(bus, subjects.discover, {});
    const ended = await outcome;
    for (const timer of timers) clearInterval(timer);
    beats.unsubscribe();
    await links.detachAll();
    await leases.releaseAll();
    await this.deps.events.flush();
    return ended;
  }

  stop(reason: string): void {
    this.handle({ kind: "stop", reason });
  }

  /** For the loss in the status line. */
  noteLoss(loss: number): void {
    this.lossOfStep = loss;
  }

  status(): RunStatus {
    const { runDir, nowMs } = this.deps;
    const extra = { runDir, loss: this.lossOfStep, beats: this.beats, nowMs: nowMs(), at: new Date().toISOString() };
    return describeRun(this.state, this.throughput, extra);
  }

  private handle(event: RunEvent): void {
    this.perform(step(this.state, event, this.deps.nowMs()));
  }

  private perform({ state, effects }: Transition): void {
    this.state = state;
    this.throughput.enter(currentPhase(state), this.deps.nowMs());
    for (const effect of effects) this.do(effect);
  }

  private do(effect: RunEffect): void {
    switch (effect.kind) {
      case "attach":
        void this.attach(effect.workerId, effect.attempt);
        break;
      case "probe":
        void this.probe(effect.workerId);
        break;
      case "release":
        void this.deps.links.detach(effect.workerId);
        void this.deps.leases.release(effect.workerId);
        break;
      case "assign":
        void this.work(effect);
        break;
      case "accept":
        this.accept(effect.assignmentId);
        break;
      case "discard":
        this.forget(effect.assignmentId);
        break;
      case "settle":
        void this.settle(effect);
        break;
      case "rewind":
        void this.rewind(effect.phase);
        break;
      case "report":
        this.deps.events.append(effect.record);
        for (const record of this.wire.after(effect.record)) this.deps.events.append(record);
        if (effect.record.kind === "phase-done") this.noteCluster();
        break;
      case "finish":
        this.noteFailure(effect.outcome);
        this.deps.events.append({ kind: "run-ended", ...effect.outcome });
        this.reportStatus(true);
        this.finish(effect.outcome);
        break;
    }
  }

  private onBeat(beat: WorkerBeat): void {
    this.beats.set(beat.workerId, { beat, heardMs: this.deps.nowMs() });
    this.handle({ kind: "beat", beat: { ...beat, isCaller: beat.address === tunnelAddress } });
  }

  private async attach(workerId: string, attempt: number): Promise<void> {
    try {
      const token = await this.deps.leases.take(workerId);
      await this.deps.links.attach(workerId, this.beats.get(workerId)!.beat.address, token);
      this.handle({ kind: "attached", workerId, attempt });
    } catch (thrown) {
      const error = peerError(thrown) ?? AppError.from(thrown);
      // Every worker would refuse this for the same reason (as engines must be alike): the run's fault, not the worker's.
      if (["BACKBONE_INVALID", "CONFIG_INVALID", "MATH_UNSUPPORTED"].includes(error.code)) this.fail(error);
      else this.handle({ kind: "lost", workerId, attempt, reason: `cannot attach: ${error.message}` });
    }
  }

  /** Its beats are missed: maybe only the bus is away. No answer is no news; silence decides. */
  private async probe(workerId: string): Promise<void> {
    await this.deps.links.ping(workerId).then(
      () => this.handle({ kind: "alive", workerId }),
      () => undefined,
    );
  }

  private async work(order: WorkOrder): Promise<void> {
    const { id, workerId } = order.assignment;
    this.orders.set(id, order);
    try {
      const facts = exchangeFacts(order.purpose, this.state, this.deps.results.stageFacts, this.addressOf);
      const request = requestFor(order, this.deps.results.digests(order.phase), facts);
      const result = await this.deps.telemetry.inPhase(() => this.deps.links.work(workerId, request));
      this.deps.telemetry.onWork(workerId, result);
      this.wire.add(order, result.metrics);
      const { images, computeMs, waitMs } = result;
      this.throughput.add(workerId, { atMs: this.deps.nowMs(), images, computeMs, waitMs });
      await this.take(order, result);
    } catch (thrown) {
      this.forget(id);
      this.workFailed(order, thrown);
    }
  }

  private addressOf = (workerId: string): string => this.beats.get(workerId)?.beat.address ?? "";

  private async take(order: WorkOrder, result: WorkResult): Promise<void> {
    const assignmentId = order.assignment.id;
    const { missing = [] } = result.metrics;
    if (missing.length > 0) {
      this.forget(assignmentId);
      this.handle({ kind: "cut-off", assignmentId, missing });
      return;
    }
    this.finished.set(assignmentId, result);
    // Of an older step: whatever it holds, it is thrown away.
    const isLive = liveAssignment(this.state.pool, assignmentId) !== null;
    const defect = isLive ? await this.deps.results.inspect(order, result) : null;
    if (defect) this.handle({ kind: "bad", assignmentId, ...defect });
    else this.handle({ kind: "done", assignmentId, digest: resultDigest(result) });
  }

  private workFailed({ assignment }: WorkOrder, thrown: unknown): void {
    const isLive = liveAssignment(this.state.pool, assignment.id) !== null;
    const verdict = verdictOn(assignment, thrown, isLive);
    if (verdict instanceof AppError) this.fail(verdict);
    else this.handle(verdict);
  }

  private accept(assignmentId: string): void {
    const order = this.orders.get(assignmentId);
    const result = this.finished.get(assignmentId);
    this.orders.delete(assignmentId);
    this.finished.delete(assignmentId);
    if (!order || !result) return;
    try {
      this.deps.results.accept(order, result, this.state.fingerprint);
    } catch (thrown) {
      // The unit counts as done, so nobody would ever do it again: a result that cannot be used ends the run.
      this.fail(AppError.from(thrown));
      return;
    }
    for (const record of notesOf(result.metrics)) this.deps.events.append(record);
  }

  private forget(assignmentId: string): void {
    for (const { floats } of this.finished.get(assignmentId)?.sums ?? []) void floats.close().catch(() => undefined);
    this.orders.delete(assignmentId);
    this.finished.delete(assignmentId);
  }

  private async settle(effect: Extract<RunEffect, { kind: "settle" }>): Promise<void> {
    if (this.state.activity === "finished") return;
    try {
      const { endRounds } = await this.deps.results.settle(effect.phase, effect.purpose, effect.lastStep);
      this.handle(endRounds === undefined ? { kind: "settled" } : { kind: "settled", endRounds });
    } catch (thrown) {
      if (thrown instanceof StateLost) this.handle({ kind: "unsettled", reason: thrown.message });
      else this.fail(AppError.from(thrown));
    }
  }

  private async rewind(phase: Phase): Promise<void> {
    try {
      this.handle({ kind: "rewound", step: await this.deps.results.rewind(phase) });
    } catch (thrown) {
      this.fail(AppError.from(thrown));
    }
  }

  /** The first failure is the cause: kept for the exit code. */
  failure: AppError | null = null;

  /** Ends the run: something that no retry can mend. */
  fail(error: AppError): void {
    this.failure ??= error;
    this.deps.events.append({ kind: "failure", code: error.code, message: error.message, hint: error.hint });
    this.handle({ kind: "fail", reason: error.message });
  }

  private async watchDisk(): Promise<void> {
    const space = await spaceOf(this.deps.runDir).catch(() => null);
    if (!space) return;
    const reason = diskHold(space, this.state.held !== null);
    if (reason !== this.state.held) this.handle({ kind: "hold", reason });
  }

  private noteFailure(outcome: Outcome): void {
    if (outcome.state !== "failed" || outcome.code === undefined) return;
    this.failure ??= new AppError(outcome.code, outcome.reason);
  }

  private async renewLeases(): Promise<void> {
    const lost = await this.deps.leases.renew().catch(() => []);
    for (const { workerId, reason } of lost) this.handle({ kind: "lost", workerId, reason });
  }

  private noteCluster(): void {
    const { imagesPerSecond, etaSeconds, workers } = this.status();
    this.deps.events.append({ kind: "cluster", imagesPerSecond, etaSeconds, workers });
  }

  private reportStatus(publish: boolean): void {
    const status = this.status();
    this.deps.onStatus(status);
    if (publish) void publishStatus(this.deps.bus, status);
  }
}
