/** A run as Prometheus sees it. Names follow its conventions: base units, _total for what only grows. */
import { Counter, collectDefaultMetrics, Gauge, Registry } from "prom-client";
import type { RunEventRecord, RunStatus } from "../../shared/net/subjects.js";
import { seedgrowVersion } from "../../shared/version.js";
import type { WorkResult } from "./worker-links.js";

const states = ["running", "waiting", "stopping", "done", "failed", "stopped"] as const;

export class RunMetrics {
  readonly registry = new Registry();
  private readonly state = this.gauge("seedgrow_run_state", "1 for the state the run is in", ["state"]);
  private readonly round = this.gauge("seedgrow_run_round", "Round under way, from 1; 0 before the first");
  private readonly unitsDone = this.gauge("seedgrow_phase_units_done", "Steps or shards of the phase that are done");
  private readonly units = this.gauge("seedgrow_phase_units", "Steps or shards of the phase");
  private readonly outerRound = this.gauge(
    "seedgrow_outer_round",
    "Outer round of local steps under way, from 1; 0: none",
  );
  private readonly outerRounds = this.gauge("seedgrow_outer_rounds", "Outer rounds of the phase; 0: none");
  private readonly eta = this.gauge("seedgrow_run_eta_seconds", "Time the run will still take; NaN while unknown");
  private readonly loss = this.gauge("seedgrow_train_loss", "Mean loss per image of the newest step");
  private readonly miou = this.gauge("seedgrow_stage_miou_ratio", "Mean IoU of the newest stage, 0 to 1", ["of"]);
  private readonly workers = this.gauge("seedgrow_workers", "Workers by state", ["state"]);
  private readonly memory = this.gauge("seedgrow_worker_resident_bytes", "Resident memory", ["worker", "host"]);
  private readonly steps = this.counter("seedgrow_train_steps_total", "Optimiser updates done");
  private readonly images = this.counter("seedgrow_images_total", "Images computed", ["worker"]);
  private readonly exchanged = this.counter("seedgrow_exchange_bytes_total", "Bytes pulled from other workers", [
    "worker",
  ]);
  private readonly exchangedAhead = this.counter(
    "seedgrow_exchange_ahead_bytes_total",
    "Of these, bytes that were asked for while their sender still computed",
    ["worker"],
  );
  private readonly busy = this.counter("seedgrow_worker_busy_seconds_total", "Time of workers", ["worker", "doing"]);
  private readonly input = this.counter(
    "seedgrow_worker_input_wait_seconds_total",
    "Of workers' waiting in training, what they waited for photos and labels alone",
    ["worker"],
  );
  private readonly events = this.counter("seedgrow_events_total", "Lines of the event log", ["kind"]);
  private lastStep: { readonly phase: unknown; readonly step: number } | null = null;

  constructor(runId: string) {
    this.gauge("seedgrow_run_info", "1, with the run's id and the version", ["run_id", "version"]).set(
      { run_id: runId, version: seedgrowVersion },
      1,
    );
    collectDefaultMetrics({ register: this.registry });
  }

  readonly onStatus = (status: RunStatus): void => {
    for (const state of states) this.state.set({ state }, status.state === state ? 1 : 0);
    this.round.set(status.round);
    this.unitsDone.set(status.done);
    this.units.set(status.total);
    this.outerRound.set(status.outer?.round ?? 0);
    this.outerRounds.set(status.outer?.rounds ?? 0);
    this.eta.set(status.etaSeconds ?? Number.NaN);
    if (status.loss !== null) this.loss.set(status.loss);
    this.workers.reset();
    this.memory.reset();
    for (const { workerId: worker, host, state, rssBytes } of status.workers) {
      // "away: silent for 10001 ms": the reason is no label, there would be no end of them.
      this.workers.inc({ state: state.split(":", 1)[0]! });
      if (rssBytes !== null) this.memory.set({ worker, host }, rssBytes);
    }
  };

  readonly onEvent = (event: RunEventRecord): void => {
    this.events.inc({ kind: event.kind });
    if (event.kind === "step") this.countSteps(event.phase, Number(event.step));
    if (event.kind !== "stage") return;
    const { labels, val } = event as { labels?: { miou: number | null } | null; val?: { miou: number | null } | null };
    for (const [of, scores] of Object.entries({ labels, val })) {
      if (scores && scores.miou !== null) this.miou.set({ of }, scores.miou);
    }
  };

  readonly onWork = (worker: string, { images, computeMs, waitMs, metrics }: WorkResult): void => {
    if (metrics.pulledBytes !== undefined) this.exchanged.inc({ worker }, metrics.pulledBytes);
    if (metrics.pulledAheadBytes !== undefined) this.exchangedAhead.inc({ worker }, metrics.pulledAheadBytes);
    this.images.inc({ worker }, images);
    this.busy.inc({ worker, doing: "compute" }, computeMs / 1000);
    this.busy.inc({ worker, doing: "wait" }, waitMs / 1000);
    this.input.inc({ worker }, (metrics.inputMs ?? 0) / 1000);
  };

  /** The log has every so many-th step; a resumed phase begins in its middle. */
  private countSteps(phase: unknown, step: number): void {
    const before = this.lastStep?.phase === phase ? this.lastStep!.step : step - 1;
    this.steps.inc(Math.max(0, step - before));
    this.lastStep = { phase, step };
  }

  private gauge<L extends string = never>(name: string, help: string, labelNames: readonly L[] = []): Gauge<L> {
    return new Gauge({ name, help, labelNames, registers: [this.registry] });
  }

  private counter<L extends string = never>(name: string, help: string, labelNames: readonly L[] = []): Counter<L> {
    return new Counter({ name, help, labelNames, registers: [this.registry] });
  }
}
