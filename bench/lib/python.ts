/** Which Python runs a peer: their packages may lie in several environments. */
import { execFileSync } from "node:child_process";
import type { Side } from "./row.js";

type PythonProgram = Extract<Side["program"], { readonly kind: "python" }>;

/** The first that has all modules that the program needs; else null. */
export function pythonFor(pythons: readonly string[], { needs }: PythonProgram): string | null {
  return pythons.find((python) => needs.every((name) => hasModule(python, name))) ?? null;
}

/** What each of them lacks, in words; null: one of them runs this side, or it is ours. */
export function lackOf(pythons: readonly string[], { program }: Side): string | null {
  if (program.kind === "ours" || pythonFor(pythons, program) !== null) return null;
  const lacks = pythons.map((python) => {
    return `${python} lacks ${program.needs.filter((name) => !hasModule(python, name)).join(", ")}`;
  });
  return `${lacks.join("; ")} (bench/peers/${program.requirements})`;
}

/** Importing takes seconds, and many rows ask. */
const known = new Map<string, boolean>();

function hasModule(python: string, name: string): boolean {
  const key = JSON.stringify([python, name]);
  const has = known.get(key) ?? imports(python, name);
  known.set(key, has);
  return has;
}

function imports(python: string, name: string): boolean {
  try {
    execFileSync(python, ["-c", `import ${name}`], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
