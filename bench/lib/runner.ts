/** Starts the two sides of a row and measures them in turns. */
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { peakBytesOf } from "./memory.js";
import { lackOf, pythonFor } from "./python.js";
import type { Row, RowResult, Sample, Side, SideResult } from "./row.js";

export interface Programs {
  /** Folder with what tsc made of bench/ours. */
  readonly ours: string;
  readonly peers: string;
  /** Each side takes the first that has its packages. */
  readonly pythons: readonly string[];
}

export interface Pace {
  readonly rounds: number;
  /** Of one measurement; null: as the row says. */
  readonly seconds: number | null;
}

const memoryEveryMs = 250;
const saidMax = 4_000;

/** One side, started. */
export interface Measured {
  readonly version: string;
  readonly peakBytes: number;
  measure(seconds: number): Promise<number>;
  stop(): Promise<void>;
}

class Runner implements Measured {
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

  static async start(side: Side, programs: Programs): Promise<Runner> {
    const { work, env } = side;
    const [command, script] = commandOf(side, programs);
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

function commandOf(side: Side, { ours, peers, pythons }: Programs): [command: string, script: string] {
  const { program } = side;
  if (program.kind === "ours") return [process.execPath, `${ours}/${program.script}.js`];
  const python = pythonFor(pythons, program);
  if (python === null) throw new Error(lackOf(pythons, side)!);
  return [python, `${peers}/${program.script}.py`];
}

/**
 * The sides in turns, each round beginning with another one. They start side by side, which may take a compiler a minute, and
 * hold their memory throughout. `sides` may be versions of ours.
 */
export async function alternate(
  sides: readonly (() => Promise<Measured>)[],
  { rounds }: Pace,
  seconds: number,
  onRate: (side: number, rate: number) => void,
): Promise<SideResult[]> {
  const started = await Promise.allSettled(sides.map((start) => start()));
  const runners = started.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
  const rates: number[][] = sides.map(() => []);
  try {
    for (const one of started) if (one.status === "rejected") throw one.reason;
    for (let round = 0; round < rounds; round++) {
      for (let turn = 0; turn < sides.length; turn++) {
        const side = (round + turn) % sides.length;
        const rate = await runners[side]!.measure(seconds);
        rates[side]!.push(rate);
        onRate(side, rate);
      }
    }
  } finally {
    await Promise.all(runners.map((runner) => runner.stop()));
  }
  return runners.map(({ version, peakBytes }, side) => ({ version, peakBytes, rates: rates[side]! }));
}

export function starting(side: Side, programs: Programs): () => Promise<Measured> {
  return () => Runner.start(side, programs);
}

/** Several at once, as one: what they do together. */
export function together(sides: readonly (() => Promise<Measured>)[]): () => Promise<Measured> {
  return async () => {
    const runners = await Promise.all(sides.map((start) => start()));
    return {
      version: runners[0]!.version,
      get peakBytes() {
        return runners.reduce((sum, { peakBytes }) => sum + peakBytes, 0);
      },
      async measure(seconds) {
        const rates = await Promise.all(runners.map((runner) => runner.measure(seconds)));
        return rates.reduce((sum, rate) => sum + rate, 0);
      },
      async stop() {
        await Promise.all(runners.map((runner) => runner.stop()));
      },
    };
  };
}

export async function measureRow(
  row: Row,
  programs: Programs,
  pace: Pace,
  onRate: (side: number, rate: number) => void,
): Promise<RowResult> {
  const sides = [starting(row.ours, programs), starting(row.theirs, programs)] as const;
  const rounds = Math.min(pace.rounds, row.roundsMax ?? pace.rounds);
  const [ours, theirs] = await alternate(sides, { ...pace, rounds }, pace.seconds ?? row.seconds, onRate);
  return { row, ours: ours!, theirs: theirs! };
}
