/** The worker's only event loop: admits commands by lease, runs jobs, keeps their outputs ready to be pulled. */
import { setTimeout as pause } from "node:timers/promises";
import { sha256 } from "../shared/codec/digest.js";
import { AppError } from "../shared/errors.js";
import type { AttachRequest__Output } from "../shared/gen/seedgrow/v1/AttachRequest.js";
import type { Lease__Output } from "../shared/gen/seedgrow/v1/Lease.js";
import type { Output } from "../shared/gen/seedgrow/v1/Output.js";
import type { WorkReply } from "../shared/gen/seedgrow/v1/WorkReply.js";
import type { WorkRequest__Output } from "../shared/gen/seedgrow/v1/WorkRequest.js";
import { leaseMs } from "../shared/limits.js";
import type { Encoded } from "../shared/math/wire.js";
import type { BlobSource } from "../shared/net/blobs.js";
import type { ComingSource, NumbersReady } from "../shared/net/peers.js";
import { peerError } from "../shared/net/rpc.js";
import { inSpan } from "../shared/observe/tracing.js";
import { type KeptWork, outdated } from "./core/kept-work.js";
import * as session from "./core/session.js";
import type { JobContext, JobResult } from "./jobs/context.js";
import { runJob } from "./jobs/run-job.js";

/** A run as this worker sees it; `close` ends its transfers. */
export interface AttachedRun {
  readonly context: JobContext;
  readonly close: () => void;
}

export interface WorkerRuntimeOptions {
  readonly nowMs: () => number;
  readonly openRun: (request: AttachRequest__Output) => Promise<AttachedRun>;
  readonly log: (message: string, fields?: Record<string, unknown>) => void;
  /** A piece of work is over; null: it failed. */
  readonly onJob?: (job: string, outcome: JobOutcome | null) => void;
}

export interface JobOutcome {
  readonly images: number;
  /** In all, and of it waiting for data, milliseconds. */
  readonly ms: number;
  readonly waitMs: number;
}

interface Kept extends KeptWork {
  readonly reply: Promise<WorkReply>;
  readonly outputs: KeptOutputs;
}

interface KeptOutputs {
  readonly blobs: Map<string, Uint8Array>;
  /** For when nobody can ask for them any more. */
  release: (() => void) | undefined;
}

const drainPollMs = 50;

export class WorkerRuntime implements BlobSource, ComingSource {
  private session: session.Session = session.initialSession;
  private run: AttachedRun | null = null;
  private opening: Promise<void> = Promise.resolve();
  private working: Promise<void> = Promise.resolve();
  private isDraining = false;
  /** Live tensors after the last piece of training; undefined before. */
  tensors: number | undefined;
  private readonly kept = new Map<string, Kept>();

  constructor(private readonly options: WorkerRuntimeOptions) {}

  get runId(): string | null {
    return this.session.kind === "attached" ? this.session.runId : null;
  }

  async attach(request: AttachRequest__Output): Promise<void> {
    this.admit(session.attach(this.session, claimOf(request.lease), this.options.nowMs()));
    this.closeRun();
    this.options.log("attached", { runId: this.runId, coordinator: request.coordinatorAddress });
    // One after the other: there is one compute thread to set up, and the newest lease must set it up last.
    const opening = this.opening.then(() => this.open(request, claimOf(request.lease)));
    this.opening = opening.catch(() => undefined);
    await opening;
  }

  private async open(request: AttachRequest__Output, claim: session.LeaseClaim): Promise<void> {
    const isCurrent = () => session.isHeldBy(this.session, claim);
    const overtaken = () => new AppError("LEASE_LOST", "this worker was taken or freed while it attached");
    if (!isCurrent()) throw overtaken();
    try {
      const run = await this.options.openRun(request);
      if (!isCurrent()) {
        run.close();
        throw overtaken();
      }
      this.closeRun();
      this.run = run;
    } catch (error) {
      if (isCurrent()) this.session = session.release(this.session);
      throw error;
    }
    this.renewed();
  }

  async work(request: WorkRequest__Output): Promise<WorkReply> {
    const claim = claimOf(request.lease);
    this.admit(session.command(this.session, claim, this.options.nowMs()));
    const { run } = this;
    if (!run) throw new AppError("LEASE_LOST", "not attached yet");
    const key = `${claim.generation}/${claim.token}/${request.key}`;
    const known = this.kept.get(key);
    if (known) return known.reply;
    if (this.isDraining) throw new AppError("LEASE_LOST", "this worker is shutting down and takes no new work");
    const outputs: KeptOutputs = { blobs: new Map(), release: undefined };
    // One after the other: two at once would load each other's weights into the one compute thread.
    const reply = this.working.then(() => {
      if (!session.isHeldBy(this.session, claim)) throw new AppError("LEASE_LOST", "freed before this work began");
      return this.compute(run.context, request, outputs);
    });
    this.working = reply.then(
      () => undefined,
      () => undefined,
    );
    this.keep(key, { reply, outputs, step: stepOf(request) });
    reply.catch(() => this.kept.delete(key));
    return reply;
  }

  /** The coordinator lives, and wants to know whether we do. */
  ping(lease: Lease__Output | null): void {
    this.admit(session.command(this.session, claimOf(lease), this.options.nowMs()));
  }

  /** Finishes what is begun and takes nothing new. Resolves when the coordinator has let go, or after `patienceMs`. */
  async drain(patienceMs: number): Promise<void> {
    this.isDraining = true;
    await this.working;
    const deadlineMs = this.options.nowMs() + patienceMs;
    while (this.session.kind === "attached" && this.options.nowMs() < deadlineMs) await pause(drainPollMs);
  }

  get state(): "ready" | "draining" {
    return this.isDraining ? "draining" : "ready";
  }

  detach(lease: Lease__Output | null): void {
    this.admit(session.command(this.session, claimOf(lease), this.options.nowMs()));
    this.becomeIdle("released");
  }

  /** The lease was renewed. */
  renewed(): void {
    this.session = session.contact(this.session, this.options.nowMs());
  }

  /** Frees the worker when its coordinator has gone. */
  tick(): void {
    if (session.expired(this.session, this.options.nowMs(), leaseMs)) this.becomeIdle("the coordinator fell silent");
  }

  async get(digest: string): Promise<Uint8Array | null> {
    for (const { outputs } of this.kept.values()) {
      const bytes = outputs.blobs.get(digest);
      if (bytes) return bytes;
    }
    return null;
  }

  vector(runId: string, name: string): Encoded | null {
    return runId === this.runId ? (this.run?.context.exchange.vector(name) ?? null) : null;
  }

  async coming(runId: string, name: string): Promise<NumbersReady | null> {
    if (runId !== this.runId || !this.run) throw new AppError("MESSAGE_INVALID", `not in run ${runId}`);
    return this.run.context.exchange.coming(name);
  }

  close(): void {
    this.closeRun();
  }

  private async compute(context: JobContext, request: WorkRequest__Output, kept: KeptOutputs): Promise<WorkReply> {
    const startedMs = this.options.nowMs();
    const job = request.job ?? "none";
    const running = inSpan(`job ${job}`, { "seedgrow.key": request.key }, () => this.runSurely(context, request));
    const { outputs, metrics, images, computeMs, release } = await running.catch((error: unknown) => {
      this.options.onJob?.(job, null);
      throw asPeerFailure(error);
    });
    this.tensors = metrics.tensors ?? this.tensors;
    kept.release = release;
    const described = outputs.map(({ name, bytes, digest = sha256(bytes) }): Output => {
      if (digest !== "") kept.blobs.set(digest, bytes);
      return { name, digest, bytes: bytes.byteLength };
    });
    const ms = this.options.nowMs() - startedMs;
    const waitMs = Math.max(0, ms - computeMs);
    this.options.onJob?.(job, { images, ms, waitMs });
    return { outputs: described, metricsJson: JSON.stringify(metrics), images, computeMs, waitMs };
  }

  /** Done again when the engine is lost over it: a piece is a function of what it is given, and nothing of it has counted yet. */
  private async runSurely(context: JobContext, request: WorkRequest__Output): Promise<JobResult> {
    for (;;) {
      const { count } = context.compute.losses;
      try {
        await context.prepare();
        return await runJob(context, request);
      } catch (error) {
        if (context.compute.losses.count === count) throw error;
        this.options.log("done again: the engine was lost", {
          key: request.key,
          reason: context.compute.losses.reason,
        });
      }
    }
  }

  private keep(key: string, kept: Kept): void {
    this.kept.set(key, kept);
    for (const old of outdated(this.kept)) {
      this.kept.get(old)!.outputs.release?.();
      this.kept.delete(old);
    }
  }

  private admit(admission: session.Admission): void {
    if (admission.kind === "refuse") throw new AppError("LEASE_LOST", `this worker refuses: ${admission.reason}`);
    this.session = admission.session;
  }

  private becomeIdle(reason: string): void {
    this.options.log("idle", { runId: this.runId, reason });
    this.session = session.release(this.session);
    this.closeRun();
  }

  private closeRun(): void {
    this.run?.context.exchange.close();
    this.run?.close();
    this.run = null;
    for (const { outputs } of this.kept.values()) outputs.release?.();
    this.kept.clear();
  }
}

function claimOf(lease: Lease__Output | null): session.LeaseClaim {
  return { runId: lease?.runId ?? "", token: lease?.token ?? 0, generation: lease?.generation ?? 0 };
}

/** A transfer that broke is nobody's fault: the work is as good as before, only not for us. */
function asPeerFailure(error: unknown): unknown {
  const said = peerError(error);
  if (said) return said;
  const isTransport =
    error instanceof Error && "metadata" in error && typeof (error as { code?: unknown }).code === "number";
  return isTransport ? new AppError("PEER_UNREACHABLE", `cannot pull: ${error.message}`, { cause: error }) : error;
}

/** Of training: which step of which stage. */
function stepOf({ stage, gradient, local }: WorkRequest__Output): string | null {
  const training = gradient ?? local;
  return training ? `${stage?.model} ${stage?.round} ${training.step}` : null;
}
