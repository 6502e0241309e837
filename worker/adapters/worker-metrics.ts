/** A worker as Prometheus sees it: also while no run holds it. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import { seedgrowVersion } from "../../shared/version.js";

/** From a gradient of a small network to a shard of large photos. */
const buckets = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];

/** Looked up when somebody scrapes. */
interface Asked {
  readonly isLeased: () => boolean;
  readonly engineLosses: () => number;
}

export class WorkerMetrics {
  readonly registry = new Registry();
  private readonly seconds = new Histogram({
    ...{ name: "seedgrow_job_duration_seconds", help: "Time a piece of work took, with waiting for its data" },
    ...{ labelNames: ["job"] as const, buckets, registers: [this.registry] },
  });
  private readonly images = this.counter("seedgrow_job_images_total", "Images computed", ["job"]);
  private readonly wait = this.counter("seedgrow_job_wait_seconds_total", "Time that went into waiting for data", [
    "job",
  ]);
  private readonly failed = this.counter("seedgrow_job_failures_total", "Pieces of work that failed", ["job"]);

  constructor(what: { readonly worker: string; readonly engine: string; readonly device: string }, asked: Asked) {
    const registers = [this.registry];
    const labels = { ...what, version: seedgrowVersion };
    const labelNames = Object.keys(labels) as (keyof typeof labels)[];
    new Gauge({ name: "seedgrow_worker_info", help: "1, with what computes here", labelNames, registers }).set(
      labels,
      1,
    );
    new Gauge({
      ...{ name: "seedgrow_worker_leased", help: "1 while a run holds this worker", registers },
      collect() {
        this.set(asked.isLeased() ? 1 : 0);
      },
    });
    new Counter({
      ...{ name: "seedgrow_engine_losses_total", help: "Times the engine was lost and started again", registers },
      collect() {
        this.reset();
        this.inc(asked.engineLosses());
      },
    });
    collectDefaultMetrics({ register: this.registry });
  }

  readonly onJob = (
    job: string,
    outcome: { readonly images: number; readonly waitMs: number; readonly ms: number } | null,
  ): void => {
    if (outcome === null) {
      this.failed.inc({ job });
      return;
    }
    this.seconds.observe({ job }, outcome.ms / 1000);
    this.images.inc({ job }, outcome.images);
    this.wait.inc({ job }, outcome.waitMs / 1000);
  };

  private counter(name: string, help: string, labelNames: readonly "job"[]): Counter<"job"> {
    return new Counter({ name, help, labelNames, registers: [this.registry] });
  }
}
