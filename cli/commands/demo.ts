/** `seedgrow demo`: draws photos with exact masks, trains on their tags alone, and says how much the rounds gained. */
import { rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { Command } from "commander";
import pc from "picocolors";
import type { TrainSummary } from "../../coordinator/main.js";
import { demoMethod } from "../../shared/config/presets.js";
import { AppError } from "../../shared/errors.js";
import { type DemoGain, demoGain } from "../demo-gain.js";
import { collect, defaultRunsDir, runConfigFrom, wholeNumber, withEngineFlag } from "../options.js";
import { out, outJson } from "../output.js";
import { score } from "../stage-table.js";
import { coordinator, jsonOf, printSummary, type View, withView } from "./train.js";

/** The same photos for everybody: numbers of two demos can be compared. */
const synthOptions = { seed: 0, trainImages: 160, valImages: 40, size: { width: 160, height: 120 } };

interface DemoFlags {
  readonly out: string;
  readonly local: number;
  readonly config?: string;
  readonly set: string[];
  readonly seed?: number;
  readonly json?: boolean;
}

export function demoCommand(): Command {
  return withEngineFlag(new Command("demo"))
    .description("see it work on this machine: synthetic photos, two workers, a few minutes")
    .option("--out <dir>", "folder of runs; the photos go to its demo-data", defaultRunsDir)
    .option("--local <n>", "workers to start here", wholeNumber(1, 64), 2)
    .option("--config <file>", "settings, YAML or JSON (docs/CONFIG.md)")
    .option("--set <key=value>", "one setting; may be repeated", collect, [])
    .option("--seed <n>", "seed of the training; the photos stay the same", wholeNumber(0, 2 ** 31 - 1))
    .option("--json", "end with one line of JSON on stdout")
    .addHelpText(
      "after",
      `
Examples:
  $ seedgrow demo
  $ seedgrow demo --out /tmp/try --local 1 --seed 7
  $ seedgrow demo --set method.rounds=1 --set method.segmenter.steps=40 --json

Horses, zebras and empty savannas, with exact masks. Training sees which animal is in which photo and no mask;
the masks tell afterwards how good the class activation maps (CAM) were, and how good the labels are that grew.`,
    )
    .action(runDemo);
}

async function runDemo(flags: DemoFlags): Promise<void> {
  const config = await runConfigFrom(flags, { method: demoMethod });
  const dataDir = join(flags.out, "demo-data");
  const { train } = await coordinator();
  const summary = await withView(async (view, signal) => {
    await demoData(dataDir, view, signal);
    const data = { dataPath: join(dataDir, "train"), valPath: join(dataDir, "val"), masksPath: join(dataDir, "masks") };
    const where = { localWorkers: flags.local, natsUrl: null, runsDir: flags.out };
    return train({ ...data, ...where, backbone: "scratch", config, command: process.argv.slice(2) }, view, signal);
  });
  const gain = demoGain(summary.stages);
  if (flags.json) outJson({ ...jsonOf(summary), dataDir, ...gain });
  else printDemo(summary, gain, dataDir);
}

/** Draws the photos, or uses those of an earlier demo. They appear whole or not at all. */
async function demoData(dir: string, view: View, signal: AbortSignal): Promise<void> {
  if (await stat(dir).catch(() => null)) return;
  const { writeSynth } = await import("../../coordinator/adapters/synth-writer.js");
  const draft = `${dir}.${process.pid}.tmp`;
  try {
    const onProgress = (done: number, total: number) => view.progress("drawing photos", done, total);
    await writeSynth({ ...synthOptions, outPath: draft, onProgress, signal });
    await rename(draft, dir);
  } catch (error) {
    if (!signal.aborted) throw error;
    throw new AppError("INTERRUPTED", "stopped while the photos were being drawn", { hint: "Run the demo again." });
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

function printDemo(summary: TrainSummary, gain: DemoGain, dataDir: string): void {
  printSummary(summary);
  out(`photos   ${dataDir}`);
  out("");
  if (gain.camLabelMiou !== null) out(`The CAM's masks of the training photos:  mIoU ${score(gain.camLabelMiou)}`);
  if (gain.lastLabelMiou !== null) {
    const ratio = gain.ratio === null ? "" : `, ${pc.bold(`${gain.ratio.toFixed(2)} times`)} the CAM's`;
    out(`The masks after ${gain.lastStage.padEnd(7)}:                 mIoU ${score(gain.lastLabelMiou)}${ratio}`);
  }
  out("");
  out(`Next: open ${summary.runDir}/report.html, or use the model:`);
  out(`  seedgrow predict --model ${summary.runDir} --out masks --overlay ${join(dataDir, "val")}`);
}
