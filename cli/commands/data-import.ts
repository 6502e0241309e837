/** `seedgrow data import`: data sets of others, verified, and laid out for `seedgrow train`. */
import { resolve } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import pc from "picocolors";
import type { ImportedSet } from "../../coordinator/adapters/import-voc.js";
import type { SetFinding } from "../../coordinator/data/known-set.js";
import { AppError } from "../../shared/errors.js";
import { megabytes, startBar } from "../bar.js";
import { interruptSignal, nameList, wholeNumber } from "../options.js";
import { note, out, outJson } from "../output.js";

export function importCommand(): Command {
  return new Command("import")
    .description("bring in a known data set, a PASCAL VOC tree, or another tool's table of tags")
    .addCommand(horse2zebraCommand())
    .addCommand(vocCommand())
    .addCommand(csvCommand());
}

interface Horse2zebraFlags {
  readonly out: string;
  readonly download?: boolean;
  readonly url?: string;
  readonly manifest?: string;
  readonly json?: boolean;
}

function horse2zebraCommand(): Command {
  return new Command("horse2zebra")
    .description("verify horse2zebra against the published SHA-256 of every image; name what is missing or altered")
    .argument("[dir|zip]", "the unpacked folder, which is only read, or the archive, which is unpacked to --out")
    .option("--out <dir>", "folder to unpack to", "horse2zebra")
    .option("--download", "fetch the archive first (111 MB); goes on where an earlier try stopped")
    .option("--url <url>", "fetch it from here instead of from its authors")
    .option("--manifest <file>", "another list: sha256 TAB bytes TAB path, plain or gzip")
    .option("--json", "print the result as one line of JSON")
    .addHelpText(
      "after",
      `
Examples:
  $ seedgrow data import horse2zebra --download
  $ seedgrow data import horse2zebra ~/Downloads/horse2zebra.zip --out photos
  $ seedgrow data import horse2zebra /data/horse2zebra --json | jq -r '.missing[]'

Exit code 0: all 2,661 images are there, byte for byte. 3: some are missing or altered; they are named.`,
    )
    .action(runHorse2zebra);
}

async function runHorse2zebra(source: string | undefined, flags: Horse2zebraFlags): Promise<void> {
  if ((source === undefined) === (flags.download === undefined)) {
    throw new AppError("USAGE", "give the folder or ZIP to verify, or --download, and not both");
  }
  const importer = await import("../../coordinator/adapters/import-horse2zebra.js");
  const known = await importer.readPublishedList(flags.manifest);
  const outDir = resolve(flags.out);
  const zip = flags.download ? await fetched(importer, flags, outDir) : source!;
  const bar = startBar(zip.endsWith(".zip") ? "unpacking" : "verifying");
  const { root, finding } = zip.endsWith(".zip")
    ? { root: outDir, finding: await importer.unpackVerified(zip, outDir, known, bar.update).finally(bar.stop) }
    : await importer.verifyFolder(zip, known, bar.update).finally(bar.stop);
  if (flags.json) outJson({ root, verified: finding.verified.length, ...without(finding) });
  else printFinding(finding);
  const broken = finding.missing.length + finding.altered.length;
  if (broken > 0) throw new AppError("DATA_INCOMPLETE", `${broken} of ${known.size} images are missing or altered`);
  if (!flags.json) out(`\nNext: seedgrow train --data ${root} --classes horse,zebra --backbone mobilenet_v2 --local 2`);
}

async function fetched(
  importer: typeof import("../../coordinator/adapters/import-horse2zebra.js"),
  flags: Horse2zebraFlags,
  outDir: string,
): Promise<string> {
  const bar = startBar("fetching", megabytes);
  const signal = interruptSignal(() => note("stopping; what arrived is kept"));
  const url = flags.url ?? importer.horse2zebraUrl;
  return importer.fetchArchive(url, outDir, bar.update, signal).finally(bar.stop);
}

function without({ missing, altered, foreign }: SetFinding) {
  return { missing, altered, foreign };
}

function printFinding({ verified, missing, altered, foreign }: SetFinding): void {
  for (const path of missing) out(`missing  ${path}`);
  for (const path of altered) out(pc.red(`altered  ${path}`));
  for (const path of foreign) out(pc.dim(`foreign  ${path}: no part of the set`));
  const count = (paths: readonly string[]) => paths.length.toLocaleString("en-US");
  out(`${pc.bold(count(verified))} verified, ${count(missing)} missing, ${count(altered)} altered`);
}

function vocCommand(): Command {
  return new Command("voc")
    .description("a PASCAL VOC tree: tags from the annotations, masks for measuring; boxes are not used")
    .argument("<dir>", "VOCdevkit/VOC2012, or a folder above it")
    .option("--out <dir>", "folder to write; must be new or empty", "voc")
    .option("--classes <names>", "only these, separated by commas; photos without them become negatives", nameList)
    .option("--json", "print the result as one line of JSON")
    .addHelpText(
      "after",
      `
Examples:
  $ seedgrow data import voc VOCdevkit/VOC2012 --out voc
  $ seedgrow data import voc VOCdevkit --classes horse,sheep,cow --out animals

Takes ImageSets/Segmentation (photos with masks); without it ImageSets/Main; without both every annotation. Photos are
linked where that is possible, else copied.`,
    )
    .action(async (dir: string, flags: { out: string; classes?: string[]; json?: boolean }) => {
      const { importVoc } = await import("../../coordinator/adapters/import-voc.js");
      const bar = startBar("importing");
      const options = { dir, outDir: flags.out, classes: flags.classes ?? null, onFile: bar.update };
      printImported(await importVoc(options).finally(bar.stop), flags);
    });
}

interface CsvFlags {
  readonly photos?: string;
  readonly out: string;
  readonly pathColumn?: string;
  readonly tagsColumn?: string;
  readonly valShare: number;
  readonly seed: number;
  readonly json?: boolean;
}

function csvCommand(): Command {
  return new Command("csv")
    .description("another tool's table: a column of tags, or a column per class with 0 and 1")
    .argument("<file>", ".csv or .tsv with a line of column names")
    .option("--photos <dir>", "folder that the paths are relative to; default: the CSV's")
    .option("--out <dir>", "folder to write; must be new or empty", "imported")
    .option("--path-column <name>", "column of paths; default: the one called path, file, image, ...")
    .option("--tags-column <name>", "column of tags; default: the one called tags, label, class, ..., if any")
    .option("--val-share <share>", "share of the photos that validate", shareOf, 0)
    .option("--seed <n>", "which ones", wholeNumber(0, 2 ** 31 - 1), 0)
    .option("--json", "print the result as one line of JSON")
    .addHelpText(
      "after",
      `
Examples:
  $ seedgrow data import csv labels.csv --photos images --out photos
  $ seedgrow data import csv train_classes.tsv --path-column image_name --tags-column tags --val-share 0.2

Tags of one photo are joined by ; | , or spaces. Nothing outside the folder of photos is read.`,
    )
    .action(async (file: string, flags: CsvFlags) => {
      const { importCsv } = await import("../../coordinator/adapters/import-csv.js");
      const bar = startBar("importing");
      const { photos = null, pathColumn = null, tagsColumn = null, valShare, seed } = flags;
      const options = { csvPath: file, photosDir: photos, outDir: flags.out, pathColumn, tagsColumn, valShare, seed };
      printImported(await importCsv({ ...options, onFile: bar.update }).finally(bar.stop), flags);
    });
}

function printImported(set: ImportedSet, flags: { readonly out: string; readonly json?: boolean }): void {
  if (flags.json) {
    outJson({ out: flags.out, ...set });
    return;
  }
  for (const path of set.missing) out(pc.yellow(`missing  ${path}`));
  const parts = [`${set.train} photos to train`, `${set.val} to validate`, `${set.masks} masks`];
  out(`${pc.bold(flags.out)}: ${parts.join(", ")}; classes ${set.classes.join(", ")}`);
  if (set.missing.length > 0) out(`${set.missing.length} listed photos are not there and were left out`);
  out(`\nNext: seedgrow data check --data ${flags.out}`);
}

function shareOf(text: string): number {
  const value = Number(text);
  if (text.trim() !== "" && value >= 0 && value < 1) return value;
  throw new InvalidArgumentError("It must be a number from 0 to below 1.");
}
