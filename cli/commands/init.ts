/** `seedgrow init`: four questions, and a commented config file. */
import { stat, writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { dirname, relative, resolve } from "node:path";
import { createInterface } from "node:readline/promises";
import { Command } from "commander";
import pc from "picocolors";
import { AppError } from "../../shared/errors.js";
import { type Answers, configFile } from "../init/config-file.js";
import { note, out, outJson } from "../output.js";
import { localDefault } from "../train-inputs.js";

interface InitFlags {
  readonly data?: string;
  readonly backbone?: string;
  readonly where?: string;
  readonly quick?: boolean;
  readonly out: string;
  readonly force?: boolean;
  readonly json?: boolean;
}

export function initCommand(): Command {
  return new Command("init")
    .description("ask four questions and write a commented config file")
    .option("--data <path>", "answer to the first: where the photos are")
    .option("--backbone <path|url|scratch>", "answer to the second: the network to start from")
    .option("--where <n|url>", "answer to the third: workers here, or a cluster's NATS server")
    .option("--quick", "answer to the fourth: a first look in minutes")
    .option("--no-quick", "the full recipe")
    .option("--out <file>", "file to write", "seedgrow.yaml")
    .option("--force", "write over a file that is there")
    .option("--json", "print the answers as one line of JSON")
    .addHelpText(
      "after",
      `
Examples:
  $ seedgrow init
  $ seedgrow init --data photos --backbone scratch --where 2 --quick     asks nothing

A folder of photos needs a folder for every tag: photos/horse, photos/zebra; photos/none holds photos of neither.`,
    )
    .action(runInit);
}

async function runInit(flags: InitFlags): Promise<void> {
  if (!flags.force && (await stat(flags.out).catch(() => null))) {
    throw new AppError("USAGE", `${flags.out} is there already`, {
      hint: "--force writes over it; --out names another.",
    });
  }
  const { data, ...answers } = await ask(flags);
  // The file's paths are relative to itself.
  const beside = relative(dirname(resolve(flags.out)), resolve(data)) || ".";
  await writeFile(flags.out, configFile({ data: beside, ...answers }));
  if (flags.json) outJson({ out: flags.out, data, ...answers });
  else out(`${pc.bold(flags.out)} written\n\nNext: seedgrow train --config ${flags.out} --dry-run`);
}

/** Flags are answers; what they leave open is asked, on a terminal and through a pipe alike. */
async function ask(flags: InitFlags): Promise<Answers> {
  const lines = new Questions();
  try {
    const data =
      flags.data ??
      (await lines.ask("Where are the photos? A folder with a folder per tag, or a .csv", "photos", isThere));
    const backbone =
      flags.backbone ??
      (await lines.ask("Start from which network? A tfjs LayersModel's folder or URL; empty: none", ""));
    const workers = String(localDefault());
    const where =
      flags.where ??
      (await lines.ask(
        `Train where? Workers here (${availableParallelism()} cores), or nats://HOST:4222`,
        workers,
        isWhere,
      ));
    const quick = flags.quick ?? /^y/i.test(await lines.ask("A quick first look, in minutes? y or n", "y", isYesOrNo));
    const problem = (await isThere(data)) ?? isWhere(where);
    if (problem) throw new AppError("USAGE", problem);
    return { data, backbone: backbone === "scratch" ? "" : backbone, where: numberOr(where), quick };
  } finally {
    lines.close();
  }
}

type Check = (answer: string) => string | null | Promise<string | null>;

/** Opened with the first question: with flags for all, standard input is left alone. */
class Questions {
  private terminal: ReturnType<typeof createInterface> | null = null;
  private answers: AsyncIterator<string> | null = null;

  async ask(question: string, fallback: string, check: Check = () => null): Promise<string> {
    this.terminal ??= createInterface({ input: process.stdin, output: process.stderr });
    this.answers ??= this.terminal[Symbol.asyncIterator]();
    for (;;) {
      process.stderr.write(`${question}${fallback === "" ? "" : ` [${fallback}]`}: `);
      const { value, done } = await this.answers.next();
      if (done) throw new AppError("USAGE", "the questions were not answered", { hint: "Answer by flags: --help." });
      const answer = value.trim() || fallback;
      const problem = await check(answer);
      if (problem === null) return answer;
      note(pc.yellow(problem));
    }
  }

  close(): void {
    this.terminal?.close();
  }
}

async function isThere(path: string): Promise<string | null> {
  return (await stat(path).catch(() => null)) ? null : `there is no ${path}`;
}

function isWhere(text: string): string | null {
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1 && count <= 64) return null;
  return /^(nats|tls):\/\/\S+$/.test(text) ? null : "a number from 1 to 64, or nats://HOST:4222";
}

function isYesOrNo(text: string): string | null {
  return /^(y|yes|n|no)$/i.test(text) ? null : "y or n";
}

function numberOr(text: string): number | string {
  return /^\d+$/.test(text) ? Number(text) : text;
}
