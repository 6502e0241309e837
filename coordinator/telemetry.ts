/** What watches a sitting from outside: TensorBoard's curves always, Prometheus and traces where asked for. */
import type { Span } from "@opentelemetry/api";
import type { RunEventRecord, RunStatus } from "../shared/net/subjects.js";
import type { Trust } from "../shared/net/trust.js";
import { beginSpan, contextOf, within } from "../shared/observe/tracing.js";
import type { RunStore } from "./adapters/run-store.js";
import { TensorboardLog } from "./adapters/tensorboard-log.js";
import type { WorkResult } from "./adapters/worker-links.js";

export interface TelemetryOptions {
  /** PORT or HOST:PORT of /metrics. */
  readonly metrics?: string | undefined;
  /** Address of a collector. */
  readonly otlp?: string | undefined;
}

/** What off loopback demands. */
export interface TelemetrySecurity {
  readonly trust: Trust | null;
  readonly isInsecure: boolean;
}

export interface Telemetry {
  readonly onStatus: (status: RunStatus) => void;
  readonly onEvent: (event: RunEventRecord) => void;
  readonly onWork: (workerId: string, result: WorkResult) => void;
  /** Runs `work` as part of the phase under way. */
  readonly inPhase: <T>(work: () => T) => T;
  readonly close: () => Promise<void>;
}

export async function openTelemetry(
  options: TelemetryOptions & TelemetrySecurity,
  runId: string,
  store: RunStore,
): Promise<Telemetry> {
  const closers: (() => Promise<void>)[] = [];
  if (options.otlp !== undefined) {
    const { startTracing } = await import("../shared/observe/otlp.js");
    closers.push(await startTracing(options.otlp, "seedgrow-coordinator"));
  }
  const spans = new RunSpans(runId);
  const curves = new TensorboardLog(store.path("tensorboard"), Date.now());
  const metrics = options.metrics === undefined ? null : await openMetrics(options.metrics, options, runId, closers);
  return {
    onStatus: (status) => metrics?.onStatus(status),
    onEvent: (event) => {
      curves.onEvent(event);
      spans.onEvent(event);
      metrics?.onEvent(event);
    },
    onWork: (workerId, result) => metrics?.onWork(workerId, result),
    inPhase: (work) => within(spans.current, work),
    close: async () => {
      spans.close();
      await curves.close();
      for (const close of closers.reverse()) await close();
    },
  };
}

async function openMetrics(
  listen: string,
  security: TelemetrySecurity,
  runId: string,
  closers: (() => Promise<void>)[],
) {
  const { RunMetrics } = await import("./adapters/run-metrics.js");
  const { serveMetrics } = await import("../shared/observe/metrics-server.js");
  const metrics = new RunMetrics(runId);
  closers.push((await serveMetrics(metrics.registry, listen, security)).close);
  return metrics;
}

/** A span for the sitting, and one below it for every phase: what calls and messages hang from. */
class RunSpans {
  private readonly run: Span | null;
  private phase: Span | null = null;

  constructor(runId: string) {
    this.run = beginSpan("run", { "seedgrow.run_id": runId });
  }

  get current(): Span | null {
    return this.phase ?? this.run;
  }

  onEvent({ kind, phase, title, reason }: RunEventRecord): void {
    if (!this.run) return;
    if (kind === "phase-started") {
      this.phase?.end();
      this.phase = beginSpan(`phase ${phase}`, { "seedgrow.phase": String(title) }, contextOf(this.run));
    } else if (kind === "phase-done") {
      this.phase?.end();
      this.phase = null;
    } else if (reason !== undefined) this.current?.addEvent(kind, { reason: String(reason) });
  }

  close(): void {
    this.phase?.end();
    this.run?.end();
  }
}
