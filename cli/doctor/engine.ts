/** Does the compute engine load, and on what does it compute? */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { gpuNames } from "../../worker/engine/device.js";
import { type Check, fail, ok, warn } from "./finding.js";

const probePath = fileURLToPath(new URL("./engine-probe.js", import.meta.url));
/** Loading takes 2 s; a cold disk or a GPU that compiles its kernels, up to a minute. */
const probeTimeoutMs = 120_000;

const answerSchema = z.discriminatedUnion("ok", [
  z.object({
    ok: z.literal(true),
    name: z.string(),
    reason: z.string(),
    version: z.string(),
    device: z.string(),
    loadMs: z.number(),
    computeMs: z.number(),
  }),
  z.object({ ok: z.literal(false), code: z.string(), message: z.string(), hint: z.string() }),
]);
type Answer = z.infer<typeof answerSchema>;

/** Two checks of one probe. */
export function engineChecks(): Check[] {
  let answer: Promise<Answer> | null = null;
  const probe = () => {
    answer ??= runProbe();
    return answer;
  };
  return [
    { name: "engine", run: async () => judgeEngine(await probe()) },
    { name: "gpu", run: async () => judgeGpu(await probe(), gpuNames(), await driverVersion()) },
  ];
}

export function judgeEngine(answer: Answer) {
  if (!answer.ok) return fail(`[${answer.code}] ${answer.message}`, answer.hint);
  const { name, reason, version, device, loadMs, computeMs } = answer;
  const timing = `loads in ${(loadMs / 1000).toFixed(1)} s, gradient in ${computeMs.toFixed(0)} ms`;
  const value = `${version}; ${device}; ${timing}`;
  if (name !== "wasm" || reason === "asked for") return ok(value);
  return warn(`${value}; ${reason}`, "It works, 1.4 to 4 times slower: ./deploy/setup.sh installs TensorFlow.");
}

export function judgeGpu(answer: Answer, names: readonly string[], driver: string | null) {
  const usesGpu = answer.ok && answer.device.startsWith("gpu");
  const found = names.join(", ") || (driver === null ? "" : "named by nvidia-smi alone");
  if (usesGpu) return ok(`${found || "in use"}${driver === null ? "" : `, driver ${driver}`}`);
  if (found === "") return ok("none; the processor computes");
  return warn(`${found}, but the engine does not use it`, "docs/ENGINES.md says how to install an engine for CUDA.");
}

function runProbe(): Promise<Answer> {
  return new Promise((resolve) => {
    execFile(process.execPath, [probePath], { timeout: probeTimeoutMs }, (error, stdout, stderr) => {
      const parsed = answerSchema.safeParse(parse(stdout));
      if (parsed.success) resolve(parsed.data);
      else resolve({ ok: false, ...crash(error, stderr) });
    });
  });
}

function crash(error: { readonly signal?: NodeJS.Signals | null; readonly killed?: boolean } | null, stderr: string) {
  const last = stderr.trim().split("\n").at(-1) ?? "";
  const how = error?.killed
    ? `gave no answer in ${probeTimeoutMs / 1000} s`
    : `crashed (${error?.signal ?? "no signal"})`;
  const hint = "Run `node deploy/engine.mjs --verify`; docs/ENGINES.md has the other engines.";
  return { code: "ENGINE_FAILED", message: `it ${how} ${last}`.trim(), hint };
}

/** Null without a working nvidia-smi. */
function driverVersion(): Promise<string | null> {
  return new Promise((resolve) => {
    const args = ["--query-gpu=driver_version", "--format=csv,noheader"];
    execFile("nvidia-smi", args, { timeout: 10_000 }, (error, stdout) => {
      resolve(error ? null : (stdout.trim().split("\n")[0] ?? null));
    });
  });
}

/** The last line that is JSON: a library may have written before it. */
function parse(stdout: string): unknown {
  try {
    return JSON.parse(stdout.trim().split("\n").at(-1) ?? "");
  } catch {
    return null;
  }
}
