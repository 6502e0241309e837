/**
 * Two commits on this machine, in turns:
 *
 *   npm run bench:compare -- main HEAD --only slic,pamr [--rounds 9] [--seconds 2] [--tolerance 0.05] [--json]
 *
 * Each is checked out into a folder of its own and built there, and measured with this commit's bench/. Ratios are of times,
 * B / A. Exit code 1: a row of B takes longer than that of A by more than the tolerance, median of the rounds. 2: usage.
 */
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { drawScene } from "../coordinator/synth/scene.js";
import { busyShare } from "./lib/machine.js";
import { median, type Row, timeRatio } from "./lib/row.js";
import { alternate, starting } from "./lib/runner.js";
import { number } from "./lib/tables.js";
import { rowsWith } from "./rows.js";

const repository = fileURLToPath(new URL("../..", import.meta.url));
const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    only: { type: "string" },
    rounds: { type: "string", default: "9" },
    seconds: { type: "string" },
    tolerance: { type: "string", default: "0.05" },
    photos: { type: "string", default: join(repository, "../shared/data/weizmann-h2z/train") },
    json: { type: "boolean", default: false },
  },
});
const say = (text: string) => process.stderr.write(text);
const dir = mkdtempSync(join(tmpdir(), "seedgrow-compare-"));
const commits: { readonly name: string; readonly root: string }[] = [];
process.once("exit", cleanUp);
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));

const rows = chosen();
for (const name of positionals) commits.push({ name, root: checkOut(name) });
const busy = await busyShare();
if (busy > 0.08) say(`Other programs use ${(100 * busy).toFixed(0)} % of this machine: expect a wide spread.\n`);
const slower: string[] = [];
for (const row of rows) await compare(row);
if (slower.length > 0) {
  say(`Slower by more than ${Number(flags.tolerance) * 100} %: ${slower.join(", ")}\n`);
  process.exitCode = 1;
}

function chosen(): Row[] {
  const all = rowsWith({ photos: flags.photos, camera: join(dir, "camera"), drawn });
  const names = flags.only?.split(",") ?? [];
  const found = all.filter(({ name }) => names.includes(name));
  if (positionals.length === 2 && found.length === names.length && found.length > 0) return found;
  say(`usage: npm run bench:compare -- A B --only ROW,...; rows: ${all.map(({ name }) => name).join(", ")}\n`);
  return process.exit(2);
}

function drawn(size: number): string {
  const path = join(dir, `photo-${size}.rgb`);
  if (!existsSync(path)) writeFileSync(path, drawScene("horse", { width: size, height: size }, "bench").rgb);
  return path;
}

function git(...args: string[]): string {
  return execFileSync("git", args, { cwd: repository, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }).trim();
}

/** Packages are this checkout's where the lock file is the same: linking is quicker than installing. */
function checkOut(commit: string): string {
  const root = join(dir, `${commits.length}`);
  say(`${commit}: checking out and building\n`);
  git("worktree", "add", "--detach", root, commit);
  const run = (command: string, ...args: string[]) => {
    execFileSync(command, args, { cwd: root, stdio: ["ignore", "ignore", "inherit"] });
  };
  const lock = (of: string) => readFileSync(join(of, "package-lock.json"), "utf8");
  if (lock(root) === lock(repository)) symlinkSync(join(repository, "node_modules"), join(root, "node_modules"));
  else run("./deploy/setup.sh");
  rmSync(join(root, "bench"), { recursive: true, force: true });
  cpSync(join(repository, "bench"), join(root, "bench"), { recursive: true });
  run("npm", "run", "--silent", "build");
  try {
    execFileSync("npx", ["tsc"], { cwd: root, stdio: "ignore" });
  } catch {
    // It writes its output all the same. A row that does not fit this commit fails when it starts.
    say(`${commit}: this commit's bench does not quite fit it\n`);
  }
  return root;
}

async function compare(row: Row): Promise<void> {
  await row.prepare?.();
  const side = ({ root }: { readonly root: string }) => {
    return starting(row.ours, { ours: join(root, "dist/bench/ours"), peers: "", pythons: [] });
  };
  const seconds = flags.seconds === undefined ? row.seconds : Number(flags.seconds);
  const pace = { rounds: Number(flags.rounds), seconds };
  const [a, b] = await alternate([side(commits[0]!), side(commits[1]!)], pace, seconds, () => say("."));
  say("\n");
  const ratio = timeRatio(b!.rates, a!.rates);
  if (ratio.median > 1 + Number(flags.tolerance)) slower.push(row.name);
  const rates = { a: median(a!.rates), b: median(b!.rates) };
  const range = `${ratio.low.toFixed(3)} to ${ratio.high.toFixed(3)}`;
  const text = `${row.name}: ${number(rates.a)} -> ${number(rates.b)} ${row.unit}, time ${ratio.median.toFixed(3)} (${range})`;
  process.stdout.write(
    flags.json ? `${JSON.stringify({ row: row.name, unit: row.unit, ...rates, ratio })}\n` : `${text}\n`,
  );
}

function cleanUp(): void {
  for (const { root } of commits) git("worktree", "remove", "--force", root);
  rmSync(dir, { recursive: true, force: true });
  git("worktree", "prune");
}
