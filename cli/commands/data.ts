/** `seedgrow data`: brings data sets in, checks and shows them before hours are spent, and draws one to practise on. */
import { Command, InvalidArgumentError, Option } from "commander";
import { type SceneStyle, sceneStyles } from "../../coordinator/synth/plan.js";
import { sceneAspectMax, sceneSideMax, sceneSideMin } from "../../coordinator/synth/scene.js";
import { startBar } from "../bar.js";
import { out, outJson } from "../output.js";
import { checkCommand } from "./data-check.js";
import { importCommand } from "./data-import.js";
import { statsCommand } from "./data-stats.js";

/** A synthetic set beyond this is a typing mistake. */
const synthImagesMax = 100_000;

export function dataCommand(): Command {
  return new Command("data")
    .description("import, check and look at a data set, or draw a synthetic one with exact masks")
    .addCommand(importCommand())
    .addCommand(checkCommand())
    .addCommand(statsCommand())
    .addCommand(synthCommand());
}

interface SynthFlags {
  readonly out: string;
  readonly seed: number;
  readonly scenes: SceneStyle;
  readonly train: number;
  readonly val: number;
  readonly size: { width: number; height: number };
  readonly json?: boolean;
}

function synthCommand(): Command {
  return new Command("synth")
    .description("draw horses, zebras and empty savannas, with exact masks; the same seed gives the same files")
    .requiredOption("--out <dir>", "folder to write; must be new or empty")
    .option("--seed <n>", "seed of everything drawn", integerIn(0, 2 ** 31 - 1), 0)
    .addOption(scenesOption())
    .option("--train <n>", "training images", integerIn(1, synthImagesMax), 160)
    .option("--val <n>", "validation images", integerIn(0, synthImagesMax), 40)
    .addOption(sizeOption())
    .option("--json", "print the result as one line of JSON")
    .addHelpText(
      "after",
      `
Examples:
  $ seedgrow data synth --out savanna
  $ seedgrow data synth --out big --seed 7 --train 800 --val 200 --size 256x192
  $ seedgrow data synth --out herd --scenes herd --train 240 --val 80 --size 320x240
  $ seedgrow train --data savanna --local 2

single: one kind of animal, or none, in each image; train/ and val/ have the class folders horse, zebra and none.
herd: hard. Up to four animals, both kinds together, 1 to 60 % of the image, hidden and cut off, among things that
look like them; train.csv and val.csv say what is in each image.

masks/ holds palette PNGs (0 background, 1 horse, 2 zebra). Masks are for measuring; training uses the tags only.`,
    )
    .action(runSynth);
}

function scenesOption(): Option {
  return new Option("--scenes <style>", "how hard").choices(sceneStyles).default("single");
}

function sizeOption(): Option {
  const option = new Option("--size <WxH>", "size of every image, pixels");
  return option.argParser(parseSize).default({ width: 160, height: 120 }, "160x120");
}

async function runSynth(flags: SynthFlags): Promise<void> {
  // Loaded on use, here and below: sharp takes longer to load than `seedgrow --help` takes to print.
  const { writeSynth } = await import("../../coordinator/adapters/synth-writer.js");
  const bar = startBar("drawing");
  try {
    const images = await writeSynth({
      outPath: flags.out,
      seed: flags.seed,
      scenes: flags.scenes,
      trainImages: flags.train,
      valImages: flags.val,
      size: flags.size,
      onProgress: bar.update,
    });
    bar.stop();
    if (flags.json) outJson({ out: flags.out, seed: flags.seed, scenes: flags.scenes, images, ...flags.size });
    else out(`${images} images of ${flags.size.width}x${flags.size.height} with masks in ${flags.out}`);
  } finally {
    bar.stop();
  }
}

function integerIn(low: number, high: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== "" && Number.isInteger(value) && value >= low && value <= high) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${low} to ${high}.`);
  };
}

function parseSize(text: string): { width: number; height: number } {
  const [width = 0, height = 0] = /^(\d+)x(\d+)$/.exec(text)?.slice(1).map(Number) ?? [];
  const fits = (side: number) => side >= sceneSideMin && side <= sceneSideMax;
  const aspect = Math.max(width / height, height / width);
  if (fits(width) && fits(height) && aspect <= sceneAspectMax) return { width, height };
  throw new InvalidArgumentError(
    `It must be WIDTHxHEIGHT, each from ${sceneSideMin} to ${sceneSideMax}, neither more than ${sceneAspectMax} times the other.`,
  );
}
