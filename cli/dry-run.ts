/** `seedgrow train --dry-run`: reads the photos, and prints what would be done. Nothing is trained, nothing is written. */
import Table from "cli-table3";
import pc from "picocolors";
import { listRuns, RunStore } from "../coordinator/adapters/run-store.js";
import { type RunConfig, runConfigSchema } from "../coordinator/config.js";
import { type Phase, type PhaseKind, phaseKey } from "../coordinator/core/plan.js";
import { type Forecast, forecast, imagesOf, type Pace, type PhaseSpan, paceOf } from "../coordinator/forecast.js";
import type { TrainOptions } from "../coordinator/main.js";
import { phasesOf } from "../coordinator/phases.js";
import type { MethodConfig } from "../shared/config/method.js";
import type { Manifest } from "../shared/data/manifest.js";
import type { RunEventRecord } from "../shared/net/subjects.js";
import { startBar } from "./bar.js";
import { duration } from "./event-text.js";
import { out, outJson } from "./output.js";
import { diskEvents } from "./watch/disk-events.js";

type PlanOptions = Omit<TrainOptions, "command">;

export async function printPlan(options: PlanOptions, flags: { readonly json?: boolean }): Promise<void> {
  const { indexData } = await import("../coordinator/adapters/image-index.js");
  const bar = startBar("reading photos");
  const { manifest, problems } = await indexData({
    ...options,
    ...options.config.data,
    onProgress: bar.update,
  }).finally(bar.stop);
  const { method } = options.config;
  const plan = phasesOf(options.config, manifest);
  const pace = (await earlierPace(options)) ?? builtInPace(options.backbone);
  const told = forecast(plan, method, manifest, options.localWorkers || 1, pace);
  const shards = { train: manifest.train.shards.length, val: manifest.val?.shards.length ?? 0 };
  const photos = { train: manifest.train.images.length, val: manifest.val?.images.length ?? 0 };
  const sync = syncText(plan, options);
  if (flags.json) outJson({ classes: manifest.classes, photos, shards, problems: problems.length, ...told });
  else printForecast(told, options, manifest, problems.length, sync);
}

/** What becomes of workers where replicas take local steps; null where every step is summed. */
function syncText(plan: readonly Phase[], { config, localWorkers }: PlanOptions): string | null {
  const { sync, localSteps } = config.cluster;
  if (sync !== "local") return null;
  const replicas = Math.max(...plan.map(({ units, localSteps: steps }) => (steps === undefined ? 0 : units)));
  const said = `local: up to ${replicas} replicas take ${localSteps} steps each, then are averaged`;
  const surplus = localWorkers - replicas;
  return surplus > 0 ? `${said}; ${pc.yellow(`${surplus} of ${localWorkers} workers idle while they train`)}` : said;
}

function printForecast(
  told: Forecast,
  options: PlanOptions,
  manifest: Manifest,
  problems: number,
  sync: string | null,
): void {
  const { train, val, classes } = manifest;
  const workers = options.natsUrl === null ? `${options.localWorkers} workers here` : `workers of ${options.natsUrl}`;
  out(`${train.images.length} photos in ${train.shards.length} shards, classes ${classes.join(", ")}`);
  if (val) out(`${val.images.length} photos to validate in ${val.shards.length} shards`);
  if (problems > 0) out(pc.yellow(`${problems} problems: \`seedgrow data check\` names them`));
  const table = new Table({
    head: ["phase", "steps", "images", "about"],
    colAligns: ["left", "right", "right", "right"],
    style: { head: [], border: [], compact: true },
  });
  for (const { title, steps, images, seconds } of told.phases)
    table.push([title, steps || "-", images, duration(seconds)]);
  out(table.toString());
  out(`workers  ${workers}${options.natsUrl === null ? "" : " (time: as if it were one)"}`);
  if (sync !== null) out(`sync     ${sync}`);
  out(`memory   about ${(told.workerBytes / 1e9).toFixed(1)} GB for each worker`);
  out(`time     about ${duration(told.seconds)}, from ${told.basis}`);
  out(pc.dim("Nothing was trained. The same command without --dry-run begins."));
}

/**
 * Worker seconds per image with the built-in network at 128 pixels, and with MobileNetV2 at 256. Measured on two shared
 * cores that did other work as well; by CPU time an idle machine needs a third of it.
 */
function builtInPace(backbone: string): Pace {
  const basis = "measurements on two busy CPU cores; an idle machine needs a third of it";
  const scratch = { classify: 0.05, seed: 0.5, train: 0.12, refine: 0.2, evaluate: 0.2 };
  const pretrained = { classify: 0.15, seed: 0.6, train: 0.25, refine: 0.35, evaluate: 0.35 };
  return { secondsPerImage: backbone === "scratch" ? scratch : pretrained, workerBytes: null, basis };
}

/** Of the newest finished run in the folder that used the same network at the same size; null without one. */
async function earlierPace({ runsDir, config, backbone }: PlanOptions): Promise<Pace | null> {
  for (const { dir, record } of await listRuns(runsDir).catch(() => [])) {
    const parsed = runConfigSchema.safeParse(record.config);
    if (record.state !== "done" || !parsed.success || !isAlike(parsed.data.method, config.method)) continue;
    if ((await backboneOf(dir)) !== (backbone === "scratch")) continue;
    const { manifest } = await new RunStore(dir).readManifest();
    const { spans, rssBytes } = await spansOf(dir, parsed.data, manifest);
    if (spans.length > 0) return paceOf(spans, rssBytes, `run ${record.runId}`, builtInPace(backbone));
  }
  return null;
}

function isAlike(a: MethodConfig, b: MethodConfig): boolean {
  const facts = ({ imageSize, segmenter, classifier, scratch }: MethodConfig) =>
    JSON.stringify([imageSize, segmenter.network, segmenter.channels, segmenter.cropSize, classifier.stride, scratch]);
  return facts(a) === facts(b);
}

/** Whether it had none. */
async function backboneOf(dir: string): Promise<boolean> {
  const { readFile } = await import("node:fs/promises");
  const text = await readFile(new RunStore(dir).path("origin.json"), "utf8").catch(() => "{}");
  return (JSON.parse(text) as { backbone?: string }).backbone === "scratch";
}

async function spansOf(dir: string, config: RunConfig, manifest: Manifest) {
  const { method } = config;
  const phases = new Map(phasesOf(config, manifest).map((phase) => [phaseKey(phase), phase]));
  const spans: PhaseSpan[] = [];
  const rssBytes: number[] = [];
  let begun: RunEventRecord | null = null;
  let done: { readonly phase: Phase; readonly seconds: number } | null = null;
  for await (const event of diskEvents(dir, AbortSignal.timeout(10_000))) {
    if (event.kind === "phase-started") begun = event;
    const phase = phases.get(String(event.phase));
    if (event.kind === "phase-done" && phase && begun?.phase === event.phase) {
      done = { phase, seconds: (Date.parse(event.at) - Date.parse(begun!.at)) / 1000 };
    }
    // Noted right after a phase is done: who was there.
    if (event.kind !== "cluster" || !done) continue;
    const active = (event.workers as { state: string; rssBytes: number | null }[]).filter(
      ({ state }) => state === "active",
    );
    rssBytes.push(...active.flatMap((worker) => (worker.rssBytes === null ? [] : [worker.rssBytes])));
    const images = imagesOf(done.phase, method, manifest);
    const kind: PhaseKind = done.phase.kind;
    spans.push({
      kind,
      images,
      seconds: done.seconds,
      workers: Math.max(1, Math.min(active.length, done.phase.units)),
    });
    done = null;
  }
  return { spans, rssBytes };
}
