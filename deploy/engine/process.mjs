/** Runs child processes for the engine install: quiet on success, the telling end of their output on failure. */

import { spawn } from "node:child_process";

const TAIL_LINES = 12;
const STEP_TIMEOUT_MS = 20 * 60_000;

/** A named step that did not work, with what its program last said. */
export class StepError extends Error {
  constructor(step, detail) {
    super(`${step}: ${detail}`);
    this.name = "StepError";
  }
}

/** Resolves to stdout and stderr together; rejects with a StepError that names the step. */
export function runStep(step, command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const chunks = [];
    const child = spawn(command, args, { ...options, stdio: ["ignore", "pipe", "pipe"] });
    // Not spawn's own timeout: after a failed start its timer would keep this process alive.
    setTimeout(() => child.kill(), STEP_TIMEOUT_MS).unref();
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => chunks.push(chunk));
    child.on("error", (error) => reject(new StepError(step, `cannot start ${command}: ${error.message}`)));
    child.on("close", (code, signal) => {
      const output = Buffer.concat(chunks).toString("utf8");
      if (code === 0) resolve(output);
      else reject(new StepError(step, `${command} ended with ${signal ?? `code ${code}`}\n${tail(output)}`));
    });
  });
}

/** What buries the line that matters: a retry notice per index from pip, progress from node-gyp, stack frames. */
const NOISE = /Retrying \(Retry|^gyp info|^\s+at /;

function tail(output) {
  const lines = output.split("\n").filter((line) => line.trim() !== "" && !NOISE.test(line));
  return lines
    .slice(-TAIL_LINES)
    .map((line) => `       ${line}`)
    .join("\n");
}
