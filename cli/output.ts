/** The only place that writes to the terminal: results on stdout, everything about the work on stderr. */
import pc from "picocolors";
import { AppError } from "../shared/errors.js";

export function out(line = ""): void {
  process.stdout.write(`${line}\n`);
}

export function outJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

export function note(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** Prints an error as a person wants it: what, why, what to do next. Returns the exit code. */
export function printError(thrown: unknown, debug = false): number {
  const error = AppError.from(thrown);
  note(`${pc.red("error")} ${pc.bold(`[${error.code}]`)} ${error.message}`);
  for (const cause of causesOf(error)) note(pc.dim(`  because: ${cause}`));
  note(`  ${pc.cyan("next:")} ${error.hint}`);
  note(pc.dim(`  more: seedgrow explain ${error.code}`));
  if (debug || error.code === "INTERNAL") note(pc.dim(stackOf(error)));
  return error.exitCode;
}

/** Of the innermost cause: that is where it broke. */
function stackOf(error: Error): string {
  return error.cause instanceof Error ? stackOf(error.cause) : (error.stack ?? "");
}

function causesOf(error: Error): string[] {
  const causes: string[] = [];
  let cause = error.cause;
  while (cause instanceof Error && causes.length < 5) {
    if (cause.message !== error.message) causes.push(cause.message);
    cause = cause.cause;
  }
  return causes;
}
