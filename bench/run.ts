/** Measures ours against peers, in turns on one machine, and writes the tables of docs/BENCHMARKS.md: `usage` below. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { drawScene } from "../coordinator/synth/scene.js";
import { busyShare, machineText } from "./lib/machine.js";
import { lackOf } from "./lib/python.js";
import type { Row, RowResult } from "./lib/row.js";
import { measureRow, type Pace, type Programs } from "./lib/runner.js";
import { line, markdown, number, withGenerated } from "./lib/tables.js";
import { rowsWith } from "./rows.js";

const usage = `Measures seedgrow against its peers, in turns on one machine, and writes the tables of docs/BENCHMARKS.md.

  npm run bench                                everything, about half an hour; nothing else should run
  npm run bench -- --list                      the rows
  npm run bench -- --only slic,pamr            some rows: prints, writes nothing
  npm run bench -- --quick                     one short round of each: does it work?
  npm run bench -- --python peers/bin/python   with the packages of bench/peers/requirements.txt; several times: each
                                               peer runs in the first that has its packages
  npm run bench -- --json --photos DIR --rounds 7 --seconds 3

The document is written when every round of every row was measured on an idle machine, or with --write.
`;
const roundsMin = 5;
/** The processor's share that others may use: background services. */
const busyMax = 0.08;
const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const documentPath = here("../../docs/BENCHMARKS.md");

const { values: flags } = parseArgs({
  options: {
    only: { type: "string" },
    quick: { type: "boolean", default: false },
    rounds: { type: "string" },
    seconds: { type: "string" },
    python: { type: "string", multiple: true, default: [process.env.SEEDGROW_PYTHON || "python3"] },
    photos: { type: "string", default: here("../../../shared/data/weizmann-h2z/train") },
    json: { type: "boolean", default: false },
    write: { type: "boolean", default: false },
    list: { type: "boolean", default: false },
    help: { type: "boolean", short: "h", default: false },
  },
});
if (flags.help) {
  process.stdout.write(usage);
  process.exit();
}
const say = (text: string) => process.stderr.write(text);
const programs: Programs = { ours: here("./ours"), peers: here("../../bench/peers"), pythons: flags.python };
const pace: Pace = {
  rounds: Number(flags.rounds ?? (flags.quick ? 1 : roundsMin)),
  seconds: flags.seconds === undefined ? (flags.quick ? 0.5 : null) : Number(flags.seconds),
};
const dir = mkdtempSync(join(tmpdir(), "seedgrow-bench-"));
process.once("exit", () => rmSync(dir, { recursive: true, force: true }));
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));

const rows = chosen(rowsWith({ photos: flags.photos, camera: join(dir, "camera"), drawn }));
if (flags.list) {
  for (const { name, work } of rows) process.stdout.write(`${name.padEnd(22)}${work}\n`);
  process.exit();
}
const busy = await busyShare();
const isIdle = busy <= busyMax;
if (!isIdle) say(`Other programs use ${(100 * busy).toFixed(0)} % of this machine: the numbers mean little.\n`);
const { results, skipped } = await measureAll();
report();

function drawn(size: number): string {
  const path = join(dir, `photo-${size}.rgb`);
  if (!existsSync(path)) writeFileSync(path, drawScene("horse", { width: size, height: size }, "bench").rgb);
  return path;
}

function chosen(all: readonly Row[]): Row[] {
  if (flags.only === undefined) return [...all];
  const names = flags.only.split(",");
  const unknown = names.find((name) => all.every((row) => row.name !== name));
  if (unknown === undefined) return all.filter(({ name }) => names.includes(name));
  say(`There is no row ${unknown}; rows: ${all.map(({ name }) => name).join(", ")}\n`);
  return process.exit(2);
}

function obstacle({ path, theirs }: Row): string | null {
  if (path !== undefined && !existsSync(path)) return `${path} is missing; --photos DIR names another folder`;
  return lackOf(flags.python, theirs);
}

async function measureAll(): Promise<{ results: RowResult[]; skipped: string[] }> {
  const found: RowResult[] = [];
  const left: string[] = [];
  for (const [i, row] of rows.entries()) {
    const why = obstacle(row);
    if (why !== null) {
      left.push(`${row.name}: ${why}`);
      say(`SKIPPED ${left.at(-1)}\n`);
      continue;
    }
    say(`${i + 1}/${rows.length} ${row.work}, ${row.unit}:`);
    await row.prepare?.();
    const result = await measureRow(row, programs, pace, (side, rate) =>
      say(` ${side === 0 ? "" : "~"}${number(rate)}`),
    );
    found.push(result);
    say(`\n    ${line(result, found)}\n`);
  }
  return { results: found, skipped: left };
}

function report(): void {
  const command = "npm run bench";
  const date = new Date().toISOString().slice(0, 10);
  const text = markdown(results, { date, machine: machineText(), rounds: pace.rounds, command, skipped });
  process.stdout.write(
    flags.json ? `${JSON.stringify({ machine: machineText(), busy, results, skipped })}\n` : `${text}\n`,
  );
  const isWhole = flags.only === undefined && pace.rounds >= roundsMin && pace.seconds === null;
  if (flags.write || (isWhole && isIdle)) {
    writeFileSync(documentPath, withGenerated(readFileSync(documentPath, "utf8"), text));
    say(`Written: ${documentPath}\n`);
  } else if (isWhole)
    say("docs/BENCHMARKS.md stays as it is: the machine was not idle (--write writes nevertheless).\n");
}
