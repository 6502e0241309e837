/** Everything wrong with a data set, by name: collected over the whole set, then shown in one go. */
import type { SplitName } from "../../shared/data/manifest.js";
import { compareBytewise } from "./paths.js";

/** Kind -> what it means, and whether the image is lost and counts towards `brokenShareMax`. */
export const problemKinds = {
  unreadable: { broken: true, title: "unreadable" },
  "empty-file": { broken: true, title: "empty file" },
  "too-large": { broken: true, title: "too large" },
  unsupported: { broken: true, title: "unsupported format" },
  missing: { broken: true, title: "listed, but not there" },
  untagged: { broken: true, title: "no tag" },
  mistagged: { broken: true, title: "contradictory or unknown tag" },
  duplicate: { broken: false, title: "copy of another image, left out" },
  leak: { broken: false, title: "validation image that is also trained on, left out" },
  "empty-class": { broken: false, title: "class without an image" },
  mask: { broken: false, title: "mask" },
} as const satisfies Record<string, { broken: boolean; title: string }>;

export type ProblemKind = keyof typeof problemKinds;

export interface DataProblem {
  readonly split: SplitName;
  /** Relative to the split's folder; for masks, to the folder of masks. */
  readonly path: string;
  readonly kind: ProblemKind;
  readonly message: string;
}

export function isBroken(problem: DataProblem): boolean {
  return problemKinds[problem.kind].broken;
}

export function compareProblems(a: DataProblem, b: DataProblem): number {
  return compareBytewise(a.split, b.split) || compareBytewise(a.path, b.path) || compareBytewise(a.kind, b.kind);
}

export function describeProblem({ split, path, kind, message }: DataProblem): string {
  return `${kind === "mask" ? "masks" : split}: ${path}: ${problemKinds[kind].title} (${message})`;
}

/** An error message stays readable; `seedgrow data check` prints them all. */
const namesMax = 20;

export function listProblems(problems: readonly DataProblem[]): string {
  const lines = problems.slice(0, namesMax).map((problem) => `\n  ${describeProblem(problem)}`);
  const more = problems.length - namesMax;
  return lines.join("") + (more > 0 ? `\n  ... and ${more} more: \`seedgrow data check\` names them all` : "");
}
