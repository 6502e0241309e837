/** `seedgrow export`: masks for the tools that other people use, and the model for their programs. */
import { stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { Command, InvalidArgumentError, Option } from "commander";
import { type ExportSource, sourceOfFolder, sourceOfRun } from "../../coordinator/adapters/export-source.js";
import { type ExportFormat, exportFormats, writeExport } from "../../coordinator/adapters/export-writer.js";
import { findRun } from "../../coordinator/adapters/run-store.js";
import type { Shape } from "../../coordinator/export/model.js";
import { runFiles } from "../../shared/data/run-record.js";
import { AppError } from "../../shared/errors.js";
import type { ModelFormat } from "../export/model-writer.js";
import { defaultRunsDir, nameList, wholeNumber } from "../options.js";
import { out, outJson } from "../output.js";
import { ProgressView } from "../progress-view.js";
import { findModel } from "./predict.js";

interface ExportFlags {
  readonly format: ExportFormat | ModelFormat;
  readonly out: string;
  readonly shapes: Shape;
  readonly simplify: number;
  readonly areaMin: number;
  readonly classes?: string[];
  readonly photos?: string;
  readonly withPhotos?: boolean;
  readonly runs: string;
  readonly json?: boolean;
}

/** The same as in export/model-writer.ts, which takes long to load. */
const modelFormats: readonly ModelFormat[] = ["tfjs", "savedmodel", "onnx"];
const shapes: readonly Shape[] = ["polygon", "rle", "rle-compressed"];

export function exportCommand(): Command {
  return new Command("export")
    .description("write masks for other tools (PNG, COCO, YOLO-seg, CVAT), or the model (tfjs, SavedModel, ONNX)")
    .argument("<run|dir>", 'a finished run (id, start of an id, folder, "latest"), or a folder of masks or of a model')
    .addOption(
      new Option("--format <name>", "what to write").choices([...exportFormats, ...modelFormats]).makeOptionMandatory(),
    )
    .requiredOption("--out <dir>", "folder to write to")
    .addOption(
      new Option("--shapes <kind>", "how objects are outlined (coco, cvat)").choices(shapes).default("polygon"),
    )
    .option("--simplify <pixels>", "how far polygons may leave the pixels' border; 0: exact", pixels, 0)
    .option("--area-min <pixels>", "leave out objects smaller than this", wholeNumber(1, 1e9), 1)
    .option("--classes <names>", "class names in the order of their ids (for a folder of masks)", nameList)
    .option("--photos <dir>", "the masks' photos, of the same names (for a folder of masks)")
    .option("--with-photos", "copy the photos to images/")
    .option("--runs <dir>", "folder of runs", defaultRunsDir)
    .option("--json", "print the result as one line of JSON")
    .addHelpText(
      "after",
      `
Examples:
  $ seedgrow export latest --format coco --out coco                       annotations.json, polygons
  $ seedgrow export latest --format coco --shapes rle-compressed --out coco
  $ seedgrow export latest --format yolo --simplify 1 --with-photos --out yolo
  $ seedgrow export masks --format cvat --classes horse,zebra --photos photos --out cvat
  $ seedgrow export latest --format tfjs --out web-model                  tf.loadGraphModel("web-model/model.json")

png   masks/*.png with the PASCAL VOC palette, labelmap.txt
coco  annotations.json: polygons, or runs of pixels as pycocotools reads them
yolo  labels/*.txt, data.yaml
cvat  annotations.xml (CVAT for images 1.1): polygons, or masks with --shapes rle
tfjs, savedmodel, onnx   the network with its weights, and seedgrow.json: classes, input, output, refinement
An object is a connected component. Ignored pixels (255) belong to none.`,
    )
    .action(runExport);
}

async function runExport(name: string, flags: ExportFlags): Promise<void> {
  const { format } = flags;
  if (isModelFormat(format)) await exportModel(name, format, flags);
  else await exportMasks(name, format, flags);
}

function isModelFormat(format: ExportFlags["format"]): format is ModelFormat {
  return (modelFormats as readonly string[]).includes(format);
}

/** The engine runs the network once: that is how its operations become known. */
async function exportModel(name: string, format: ModelFormat, flags: ExportFlags): Promise<void> {
  const modelDir = await findModel({ model: name, runs: flags.runs });
  const { Predictor, readModel } = await import("../../worker/predict.js");
  const { requestedEngine } = await import("../../worker/engine/environment.js");
  const { writeModel } = await import("../export/model-writer.js");
  const model = await readModel(modelDir);
  const requested = requestedEngine(process.env);
  // Constants are read in the middle of the network, and a GPU cannot be waited for there.
  const engine = requested === "webgpu" ? "auto" : requested;
  const predictor = await Predictor.open({ modelDir, model, engine, threads: 1 });
  try {
    const result = await writeModel(format, model, await predictor.graph(), flags.out);
    if (flags.json) outJson({ format, ...result, classes: model.classes });
    else out(`the model of round ${model.round} (${(result.bytes / 2 ** 20).toFixed(1)} MiB) in ${result.path}`);
  } finally {
    await predictor.close();
  }
}

async function exportMasks(name: string, format: ExportFormat, flags: ExportFlags): Promise<void> {
  rejectOddShapes(flags);
  const source = await findSource(name, flags);
  if (flags.withPhotos && source.photosDir === null) {
    throw new AppError("USAGE", "--with-photos does not know the photos", { hint: "Name their folder with --photos." });
  }
  const view = new ProgressView(process.stderr);
  try {
    const result = await writeExport({
      source,
      format,
      outDir: flags.out,
      shape: flags.shapes,
      simplifyPixels: flags.simplify,
      areaMin: flags.areaMin,
      withPhotos: flags.withPhotos === true,
      onProgress: (done, total) => view.progress("exporting", done, total),
    });
    view.close();
    if (flags.json) outJson({ format, ...result, classes: source.classes });
    else out(`${summary(result)} in ${result.path}`);
  } finally {
    view.close();
  }
}

function summary({ images, objects }: { readonly images: number; readonly objects: number | null }): string {
  const masks = `${images} mask${images === 1 ? "" : "s"}`;
  return objects === null ? masks : `${objects} object${objects === 1 ? "" : "s"} of ${masks}`;
}

function rejectOddShapes({ format, shapes: shape }: ExportFlags): void {
  const known = format === "coco" || shape === "polygon" || (format === "cvat" && shape === "rle");
  if (!known) throw new AppError("USAGE", `--format ${format} has no --shapes ${shape}`);
}

async function findSource(name: string, flags: ExportFlags): Promise<ExportSource> {
  const isFolder = (await stat(name).catch(() => null))?.isDirectory() === true;
  const isRun = (await stat(join(name, runFiles.run)).catch(() => null)) !== null;
  if (!isFolder || isRun) return sourceOfRun(await findRun(flags.runs, name));
  if (flags.classes === undefined) {
    throw new AppError("USAGE", `${name} is a folder of masks: their classes have no names`, {
      hint: "Name them with --classes, in the order of the ids.",
    });
  }
  if (flags.format === "png" && resolve(flags.out, "masks") === resolve(name)) {
    throw new AppError("USAGE", `--out ${flags.out} would write the masks over themselves`);
  }
  return sourceOfFolder({ dir: name, classes: flags.classes, photosDir: flags.photos ?? null });
}

function pixels(text: string): number {
  const value = Number(text);
  if (text.trim() !== "" && value >= 0 && value <= 100) return value;
  throw new InvalidArgumentError("Expected pixels, from 0 to 100.");
}
