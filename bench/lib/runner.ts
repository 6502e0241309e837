/** Starts the two sides of a row and measures them in turns. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { peakBytesOf } from "./memory.js";
import type { Row, RowResult, Sample, Side, SideResult } from "./row.js";

export interface Programs {
  /** Folder with what tsc made of bench/ours. */
  readonly ours: string;
  readonly peers: string;
  readonly python: string;
}

export interface Pace {
  readonly rounds: number;
  /** Of one measurement; null: as the row says. */
  readonly seconds: number | null;
}

const memoryEveryMs = 250;
const saidMax = 4_000;

class Runner {
  peakBytes = 0;
  version = "";
  private readonly lines: AsyncIterator<string>;
  /** Shown only if it fails: TensorFlow greets. */
  private said = "";

  private constructor(private readonly child: ChildProcess) {
    this.lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
    child.stderr!.on("data", (data) => {
      this.said = (this.said + data).slice(-saidMax);
    });
  }

  static async start({ program, work, env }: Side, programs: Programs): Promise<Runner> {
    const [command, script] =
      program.kind === "ours"
        ? [process.execPath, `${programs.ours}/${program.script}.js`]
        : [programs.python, `${programs.peers}/${program.script}.py`];
    const child = spawn(command, [script, JSON.stringify(work)], {
      env: { ...process.env, ...env },
      stdio: ["pipe", "pipe", "pipe"],
    });
    const runner = new Runner(child);
    const { version } = (await runner.read()) as { version: string };
    runner.version = version;
    return runner;
  }

  async measure(seconds: number): Promise<number> {
    const look = () => {
      this.peakBytes = Math.max(this.peakBytes, peakBytesOf(this.child.pid!));
    };
    const timer = setInterval(look, memoryEveryMs);
    try {
      this.child.stdin!.write(`${JSON.stringify({ seconds })}\n`);
      const { rate } = (await this.read()) as Sample;
      look();
      return rate;
    } finally {
      clearInterval(timer);
    }
  }

  /** Its end of the input says so; what does not hear it is killed. */
  async stop(): Promise<void> {
    if (this.child.exitCode !== null) return;
    const over = new Promise((resolve) => this.child.once("exit", resolve));
    this.child.stdin!.end();
    const timer = setTimeout(() => this.child.kill("SIGKILL"), 5_000);
    await over;
    clearTimeout(timer);
  }

  private async read(): Promise<unknown> {
    const { value, done } = await this.lines.next();
    if (done) throw new Error(`${this.child.spawnargs.join(" ")} has ended:\n${this.said}`);
    return JSON.parse(value);
  }
}

/** Ours first in even rounds, the peer in odd ones. `sides` may be two versions of ours. */
export async function alternate(
  sides: readonly [() => Promise<Runner>, () => Promise<Runner>],
  { rounds }: Pace,
  seconds: number,
  onRate: (side: number, rate: number) => void,
): Promise<[SideResult, SideResult]> {
  const runners: Runner[] = [];
  const rates: [number[], number[]] = [[], []];
  try {
    for (const start of sides) runners.push(await start());
    for (let round = 0; round < rounds; round++) {
      for (const side of round % 2 === 0 ? [0, 1] : [1, 0]) {
        const rate = await runners[side]!.measure(seconds);
        rates[side]!.push(rate);
        onRate(side, rate);
      }
    }
  } finally {
    await Promise.all(runners.map((runner) => runner.stop()));
  }
  const result = (side: 0 | 1): SideResult => {
    const { version, peakBytes } = runners[side]!;
    return { version, peakBytes, rates: rates[side] };
  };
  return [result(0), result(1)];
}

export function starting(side: Side, programs: Programs): () => Promise<Runner> {
  return () => Runner.start(side, programs);
}

export async function measureRow(
  row: Row,
  programs: Programs,
  pace: Pace,
  onRate: (side: number, rate: number) => void,
): Promise<RowResult> {
  const sides = [starting(row.ours, programs), starting(row.theirs, programs)] as const;
  const [ours, theirs] = await alternate(sides, pace, pace.seconds ?? row.seconds, onRate);
  return { row, ours, theirs };
}

/** The modules that this Python lacks. */
export function missingModules(python: string, { program }: Side): string[] {
  if (program.kind === "ours") return [];
  return program.needs.filter((name) => {
    try {
      execFileSync(python, ["-c", `import ${name}`], { stdio: "ignore" });
      return false;
    } catch {
      return true;
    }
  });
}
