/** `seedgrow doctor --engines`: the same small step on every engine that is here. */
import { type ForkOptions, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import Table from "cli-table3";
import pc from "picocolors";
import type { MathMode } from "../../shared/config/method.js";
import { type EngineChoice, engineChoices } from "../../shared/engine-name.js";
import { relativeDifference } from "../../shared/math/relative-difference.js";
import { batchSize, standardStep } from "./standard-step.js";

const benchPath = fileURLToPath(new URL("./engine-bench.js", import.meta.url));
/** A few seconds of computing; a GPU may have to compile its programs first. */
const benchTimeoutMs = 300_000;

/** Over IPC, from engine-bench.ts. */
export type BenchAnswer =
  | {
      readonly ok: true;
      readonly version: string;
      readonly device: string;
      readonly reason: string;
      /** What `--math` may be here. */
      readonly math: readonly MathMode[];
      /** Floating-point operations of the step. */
      readonly flops: number;
      /** Every repetition gave the bits of the first. */
      readonly isSame: boolean;
      readonly gradient: Float32Array;
      readonly imagesPerSecond: number;
      readonly cpuMsPerImage: number;
      readonly rssBytes: number;
    }
  | { readonly ok: false; readonly code: string; readonly message: string };

export interface EngineRow {
  readonly engine: EngineChoice;
  readonly version: string;
  readonly device: string;
  readonly math: readonly MathMode[];
  readonly imagesPerSecond: number;
  readonly gflopsPerSecond: number;
  /** Processor time: what is left of the truth when other programs compute as well. */
  readonly cpuMsPerImage: number;
  /** Largest difference from the first engine's gradient, relative to the gradient's largest value; null: the first. */
  readonly parity: number | null;
  readonly reproducible: boolean;
  readonly rssBytes: number;
}

export interface EngineReport {
  readonly step: string;
  readonly engines: readonly EngineRow[];
  readonly missing: readonly { readonly engine: EngineChoice; readonly code: string; readonly message: string }[];
}

/** One after the other: two at a time would measure each other. */
export async function engineReport(onStart: (engine: EngineChoice) => void): Promise<EngineReport> {
  const answers: [EngineChoice, BenchAnswer][] = [];
  for (const engine of engineChoices.filter((choice) => choice !== "auto")) {
    onStart(engine);
    answers.push([engine, await runBench(engine)]);
  }
  return reportOf(answers);
}

export function reportOf(answers: readonly (readonly [EngineChoice, BenchAnswer])[]): EngineReport {
  const good = answers.flatMap(([engine, answer]) => (answer.ok ? [{ engine, answer }] : []));
  const reference = good[0]?.answer.gradient;
  const engines = good.map(({ engine, answer }, i) => {
    const { gradient, flops, isSame, reason: _, ok: __, ...shown } = answer;
    const gflopsPerSecond = ((flops / 1e9) * answer.imagesPerSecond) / batchSize;
    const parity = i === 0 ? null : relativeDifference(gradient, reference!);
    return { engine, ...shown, gflopsPerSecond, parity, reproducible: isSame };
  });
  const missing = answers.flatMap(([engine, answer]) =>
    answer.ok ? [] : [{ engine, code: answer.code, message: answer.message }],
  );
  return { step: standardStep, engines, missing };
}

export function engineTable({ step, engines, missing }: EngineReport): string {
  const table = new Table({
    head: ["engine", "images/s", "CPU ms/image", "GFLOP/s", "differs by", "same bits", "--math", "memory"],
    colAligns: ["left", "right", "right", "right", "right", "left", "left", "right"],
    style: { head: [], border: [], compact: true },
  });
  for (const row of engines) {
    table.push([
      ...[row.engine, row.imagesPerSecond.toFixed(1), row.cpuMsPerImage.toFixed(1), row.gflopsPerSecond.toFixed(1)],
      ...[row.parity === null ? "-" : row.parity.toExponential(1), row.reproducible ? "yes" : pc.red("NO")],
      row.math.join(", "),
      `${Math.round(row.rssBytes / 2 ** 20)} MB`,
    ]);
  }
  const present = engines.map(({ engine, version, device }) => `${engine}: ${version}; ${device}`);
  const absent = missing.map(({ engine, code, message }) => pc.dim(`${engine}: not here ([${code}] ${message})`));
  return [step, table.toString(), ...present, ...absent].join("\n");
}

function runBench(engine: EngineChoice): Promise<BenchAnswer> {
  return new Promise((resolve) => {
    const options: ForkOptions = { serialization: "advanced", stdio: ["ignore", "ignore", "pipe", "ipc"] };
    const child = fork(benchPath, [engine], { ...options, timeout: benchTimeoutMs, killSignal: "SIGKILL" });
    let stderr = "";
    child.stderr?.on("data", (text) => {
      stderr += text;
    });
    let answer: BenchAnswer | null = null;
    child.once("message", (message) => {
      answer = message as BenchAnswer;
    });
    child.once("close", (code, signal) => {
      const how = `it ended with ${signal ?? code} ${stderr.trim().split("\n").at(-1) ?? ""}`.trim();
      resolve(answer ?? { ok: false, code: "ENGINE_FAILED", message: how });
    });
  });
}
