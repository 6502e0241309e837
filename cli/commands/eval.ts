/** `seedgrow eval`: scores of any folder of masks, whoever made them. */
import Table from "cli-table3";
import { Command } from "commander";
import pc from "picocolors";
import { type EvalReport, evalFolders } from "../../coordinator/adapters/eval-folders.js";
import { AppError } from "../../shared/errors.js";
import { startBar } from "../bar.js";
import { note, out, outJson } from "../output.js";

interface EvalOptions {
  readonly pred: string;
  readonly masks: string;
  readonly classes?: string[];
  readonly json?: boolean;
}

const examples = `
Examples:
  $ seedgrow eval --pred out/masks --masks data/masks/val
  $ seedgrow eval --pred out/masks --masks data/masks/val --classes horse,zebra
  $ seedgrow eval --pred out/masks --masks data/masks/val --json | jq .miou

Masks are palette or grey PNGs of class ids: 0 background, 1.. the classes, 255 ignore.
A mask finds its prediction by the same path below both folders, or by a unique file name.
"Tags given" makes background of every class that is not in the image's true mask.
docs/METRICS.md says what each score means.`;

export function evalCommand(): Command {
  return new Command("eval")
    .description("score predicted masks against true ones")
    .requiredOption("--pred <dir>", "predicted masks, searched recursively for PNGs")
    .requiredOption("--masks <dir>", "true masks")
    .option(
      "--classes <names>",
      "class names in the order of their ids, comma-separated (default: 1,2,...)",
      parseClasses,
    )
    .option("--json", "one line of JSON on stdout")
    .addHelpText("after", examples)
    .action(run);
}

async function run(options: EvalOptions): Promise<void> {
  const classes = options.classes ?? null;
  const bar = startBar("scoring");
  const request = { predictionsDir: options.pred, masksDir: options.masks, classes, onProgress: bar.update };
  const report = await evalFolders(request).finally(bar.stop);
  for (const warning of report.warnings) note(`${pc.yellow("warning")} ${warning}`);
  if (options.json) printJson(report);
  else printTable(report);
}

function parseClasses(text: string): string[] {
  const names = text.split(",").map((name) => name.trim());
  if (names.includes("") || new Set(names).size < names.length) {
    throw new AppError("USAGE", `--classes needs different names, comma-separated; got "${text}"`);
  }
  return names;
}

function printJson({ scores, gated }: EvalReport): void {
  const { images, miou, fgMiou, boundaryIou, iou, precision, recall, contours } = scores;
  const tagsGiven = {
    miou: gated.miou,
    fgMiou: gated.fgMiou,
    boundaryIou: gated.boundaryIou,
    boundaryF: gated.contours?.boundaryF ?? null,
    iou: gated.iou,
  };
  const { boundaryF = null, trimap = [] } = contours ?? {};
  outJson({ images, miou, fgMiou, boundaryIou, boundaryF, precision, recall, trimap, iou, tagsGiven });
}

function printTable({ scores, gated, classes }: EvalReport): void {
  const table = new Table({
    head: ["class", "IoU", "Boundary IoU", "Boundary F", "IoU, tags given", "Boundary IoU, tags given"],
    colAligns: ["left", ...new Array<"right">(5).fill("right")],
    style: { head: [], border: [], compact: true },
  });
  table.push(["background", decimal(scores.backgroundIou), "", "", decimal(gated.backgroundIou), ""]);
  for (const name of classes) {
    const free = [scores.iou[name], scores.boundaryIouByClass[name], scores.contours?.boundaryFByClass[name]];
    table.push([name, ...[...free, gated.iou[name], gated.boundaryIouByClass[name]].map(decimal)]);
  }
  const means = [scores.fgMiou, scores.boundaryIou, scores.contours?.boundaryF, gated.fgMiou, gated.boundaryIou];
  table.push([pc.bold("mean of classes"), ...means.map((mean) => pc.bold(decimal(mean)))]);
  out(table.toString());
  const told = `with tags given ${pc.bold(decimal(gated.miou))}`;
  out(`mIoU ${pc.bold(decimal(scores.miou))} (background included) over ${scores.images} images, ${told}`);
  const bands = (scores.contours?.trimap ?? []).map(({ width, miou }) => `${width} px ${decimal(miou)}`);
  out(`IoU within a band around the true contour: ${bands.join(", ")}`);
  out(`foreground precision ${decimal(scores.precision)}, recall ${decimal(scores.recall)}`);
}

function decimal(value: number | null | undefined): string {
  return value === null || value === undefined ? "-" : value.toFixed(4);
}
