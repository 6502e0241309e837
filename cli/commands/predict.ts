/** `seedgrow predict`: masks for new photos from the model of a run. */
import { stat } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import pc from "picocolors";
import { findRun } from "../../coordinator/adapters/run-store.js";
import { savedModelFile } from "../../shared/data/saved-model.js";
import type { EngineChoice } from "../../shared/engine-name.js";
import { AppError, exitCodes } from "../../shared/errors.js";
import { defaultRunsDir, engineOption, nameList, wholeNumber } from "../options.js";
import { note, out, outJson } from "../output.js";
import { findInputs } from "../predict/inputs.js";
import { planOutputs } from "../predict/plan.js";
import type { MaskWritten } from "../predict/run.js";
import { ProgressView } from "../progress-view.js";

interface Skipped {
  readonly image: string;
  readonly reason: string;
}

interface PredictFlags {
  readonly model: string;
  readonly out: string;
  readonly runs: string;
  readonly overlay?: boolean;
  readonly raw?: boolean;
  readonly tags?: string[];
  readonly engine: EngineChoice;
  readonly threads: number;
  readonly json?: boolean;
}

export function predictCommand(): Command {
  return new Command("predict")
    .description("segment photos with a trained model: a palette PNG of the photo's size for each")
    .argument("<images...>", "photos, or folders of photos")
    .requiredOption("--model <run|dir>", 'a run (id, start of an id, folder, "latest") or a model folder')
    .requiredOption("--out <dir>", "folder for the masks; paths below a folder of photos are kept")
    .option("--runs <dir>", "folder of runs", defaultRunsDir)
    .option("--overlay", "also write <photo>.overlay.jpg: the classes drawn over the photo")
    .option("--raw", "the network's answer as it is, without refining borders: what an exported model gives")
    .option("--tags <names>", "tags known to be in the photos: no other class is predicted", nameList)
    .addOption(engineOption())
    .option("--threads <n>", "photos computed at once, a thread each", wholeNumber(1, 256), availableParallelism())
    .option("--json", "print the result as one line of JSON")
    .addHelpText(
      "after",
      `
Examples:
  $ seedgrow predict --model latest --out masks photos/*.jpg
  $ seedgrow predict --model runs/20260101-120000-a1b2 --out masks --overlay photos
  $ seedgrow predict --model exported/model --out masks --tags horse stable --json

Pixels are class ids: 0 background, 1.. the tags in the model's order. A photo that cannot be read is named and
passed over; the exit code is 3 then.`,
    )
    .action(runPredict);
}

async function runPredict(paths: string[], flags: PredictFlags): Promise<void> {
  const { engine, threads } = flags;
  const startedMs = performance.now();
  const modelDir = await findModel(flags);
  const inputs = await findInputs(paths, flags.out);
  const planned = planOutputs(inputs.images, { outDir: flags.out, overlay: flags.overlay === true });
  const { Predictor, readModel } = await import("../../worker/predict.js");
  const { predictAll } = await import("../predict/run.js");
  const model = await readModel(modelDir);
  const allowed = flags.tags === undefined ? null : idsOf(flags.tags, model.classes);
  // The engine takes seconds to load: after all that could be wrong with the command.
  const predictor = await Predictor.open({
    ...{ modelDir, model, engine, threads },
    ...{ photoCount: planned.length, raw: flags.raw === true },
  });
  const view = new ProgressView(process.stderr);
  const skipped: Skipped[] = [];
  const skip = (image: string, reason: string) => {
    skipped.push({ image, reason });
    view.note(`${pc.yellow("skipped")} ${image}: ${reason}`);
  };
  try {
    for (const path of inputs.unsupported) skip(path, "its format cannot be read");
    const onProgress = (done: number, total: number) => view.progress("predicting", done, total);
    const masks = await predictAll(predictor, planned, {
      allowed,
      raw: flags.raw === true,
      onProgress,
      onBroken: skip,
    });
    view.close();
    const seconds = (performance.now() - startedMs) / 1000;
    print(flags, { modelDir, engine: predictor.engine.version, seconds, masks, skipped });
  } finally {
    view.close();
    await predictor.close();
  }
}

export async function findModel({ model, runs }: Pick<PredictFlags, "model" | "runs">): Promise<string> {
  if (await stat(join(model, savedModelFile)).catch(() => null)) return model;
  const dir = await findRun(runs, model);
  const modelDir = join(dir, "model");
  if (await stat(join(modelDir, savedModelFile)).catch(() => null)) return modelDir;
  throw new AppError("MODEL_INVALID", `the run in ${dir} has no model yet`, {
    hint: "A run writes its model when it is done: see `seedgrow status`, or `seedgrow resume` it.",
  });
}

function idsOf(tags: readonly string[], classes: readonly string[]): number[] {
  const unknown = tags.filter((tag) => !classes.includes(tag));
  if (unknown.length === 0) return tags.map((tag) => classes.indexOf(tag) + 1);
  throw new AppError("USAGE", `the model does not know ${unknown.join(", ")}`, {
    hint: `Its tags are ${classes.join(", ")}.`,
  });
}

interface Outcome {
  readonly modelDir: string;
  readonly engine: string;
  readonly seconds: number;
  readonly masks: readonly MaskWritten[];
  readonly skipped: readonly Skipped[];
}

/** The masks are written and listed; the exit code says whether they are all. */
function print(flags: PredictFlags, outcome: Outcome): void {
  const { engine, seconds, masks, skipped } = outcome;
  if (skipped.length > 0) process.exitCode = exitCodes.data;
  if (flags.json) {
    outJson({ out: flags.out, ...outcome });
    return;
  }
  out(`${photos(masks.length)} in ${seconds.toFixed(1)} s with ${engine}`);
  for (const [name, count] of countsOf(masks)) out(`  ${name.padEnd(16)} in ${count}`);
  out(`masks in ${flags.out}${flags.overlay ? ", each with an .overlay.jpg" : ""}`);
  if (skipped.length > 0) note(pc.yellow(`${photos(skipped.length)} could not be read (named above)`));
}

function photos(count: number): string {
  return `${count} photo${count === 1 ? "" : "s"}`;
}

function countsOf(masks: readonly MaskWritten[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const name of masks.flatMap(({ classes }) => Object.keys(classes))) {
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return counts;
}
