/**
 * The training step against PyTorch's, alternating in one run: DFN on MobileNetV2, forward, backward and AdamW.
 *
 *   npx tsc && node dist/bench/step.js --backbone DIR [--rounds 5] [--seconds 6] [--python python3] [--json]
 *
 * Ours draws the crops and carries gradients and parameters in and out of the engine as training does; the peer keeps
 * everything where it is. Medians of the rounds; peak memory of each process. Without a Python that has torch
 * (bench/peers/requirements.txt) only ours is measured.
 */
import { type ChildProcess, execFileSync, fork, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import Table from "cli-table3";
import { engineEnv } from "../worker/engine/environment.js";

export interface StepWork {
  readonly batch: number;
  /** Pixels. */
  readonly crop: number;
  readonly channels: number;
  readonly threads: number;
  readonly backbone: "trained" | "frozen";
  readonly backboneDir: string;
}

export interface StepAnswer {
  readonly imagesPerSecond: number;
  readonly rssBytes: number;
  readonly version: string;
}

interface Runner {
  readonly measure: (seconds: number) => Promise<StepAnswer>;
  readonly child: ChildProcess;
}

const { values: flags } = parseArgs({
  options: {
    backbone: { type: "string" },
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "6" },
    python: { type: "string", default: process.env.SEEDGROW_PYTHON || "python3" },
    json: { type: "boolean", default: false },
  },
});
if (!flags.backbone) throw new Error("--backbone DIR is missing");
const sizes = { batch: 8, crop: 256, channels: 64, threads: 2, backboneDir: flags.backbone };
const peerScript = fileURLToPath(new URL("../../bench/peers/step_torch.py", import.meta.url));

async function ours(work: StepWork): Promise<Runner> {
  const path = fileURLToPath(new URL("./step/ours.js", import.meta.url));
  const { threads } = work;
  const env = { ...process.env, ...engineEnv({ engine: "tensorflow", threads }) };
  const child = fork(path, [JSON.stringify(work)], { env, stdio: ["ignore", "inherit", "ignore", "ipc"] });
  const answer = () => new Promise<StepAnswer>((resolve) => child.once("message", resolve as never));
  await answer();
  const measure = (seconds: number) => {
    const measured = answer();
    child.send({ seconds });
    return measured;
  };
  return { measure, child };
}

function torch({ batch, crop, channels, threads, backbone }: StepWork): Runner {
  const named = { batch, crop, channels, threads, backbone };
  const args = Object.entries(named).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const child = spawn(flags.python, [peerScript, ...args], { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const measure = async (seconds: number): Promise<StepAnswer> => {
    child.stdin.write(`${JSON.stringify({ seconds })}\n`);
    const { value, done } = await lines.next();
    if (done) throw new Error("the peer has ended");
    return JSON.parse(value);
  };
  return { measure, child };
}

function hasTorch(): boolean {
  try {
    execFileSync(flags.python, ["-c", "import torch"], { stdio: "pipe" });
    return true;
  } catch {
    process.stderr.write(`${flags.python} has no torch: SKIPPED the peer (bench/peers/requirements.txt)\n`);
    return false;
  }
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]!;
}

async function compare(work: StepWork, withPeer: boolean) {
  const runners = [await ours(work), ...(withPeer ? [torch(work)] : [])];
  const answers: StepAnswer[][] = runners.map(() => []);
  try {
    for (let round = 0; round < Number(flags.rounds); round++) {
      for (const [i, runner] of runners.entries()) answers[i]!.push(await runner.measure(Number(flags.seconds)));
    }
  } finally {
    for (const { child } of runners) child.kill();
  }
  const [our, peer] = answers.map((list) => ({
    ...list.at(-1)!,
    imagesPerSecond: median(list.map((a) => a.imagesPerSecond)),
  }));
  return { backbone: work.backbone, ours: our!, peer: peer ?? null };
}

const withPeer = hasTorch();
const rows = [];
for (const backbone of ["trained", "frozen"] as const) rows.push(await compare({ ...sizes, backbone }, withPeer));
if (flags.json) {
  process.stdout.write(`${JSON.stringify(rows)}\n`);
} else {
  const table = new Table({
    head: ["backbone", "ours images/s", "PyTorch images/s", "time, ours / PyTorch", "MB, ours", "MB, PyTorch"],
  });
  const mega = (bytes: number) => (bytes / 2 ** 20).toFixed(0);
  for (const { backbone, ours: our, peer } of rows) {
    const theirs = peer
      ? [peer.imagesPerSecond.toFixed(1), (peer.imagesPerSecond / our.imagesPerSecond).toFixed(2)]
      : ["-", "-"];
    table.push([
      backbone,
      our.imagesPerSecond.toFixed(1),
      ...theirs,
      mega(our.rssBytes),
      peer ? mega(peer.rssBytes) : "-",
    ]);
  }
  process.stdout.write(
    `8 x 256 px, 2 threads; ${rows[0]!.ours.version}; torch ${rows[0]!.peer?.version ?? "-"}\n${table.toString()}\n`,
  );
}
