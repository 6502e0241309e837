/** A data set whose every file is known by its SHA-256: what of it is there, what is missing, what was altered. Pure. */
import { AppError } from "../../shared/errors.js";
import { compareBytewise } from "./paths.js";

export interface KnownFile {
  /** Relative to the set's folder: "trainA/n02381460_1000.jpg". */
  readonly path: string;
  readonly sha256: string;
  readonly bytes: number;
}

export type KnownSet = ReadonlyMap<string, KnownFile>;

/** Lines of "sha256 TAB bytes TAB path"; `folder` before every path is taken off. @throws AppError DATA_BROKEN */
export function parseKnownSet(text: string, folder: string): KnownSet {
  const set = new Map<string, KnownFile>();
  for (const [index, line] of text.trimEnd().split("\n").entries()) {
    const [, sha256, bytes, listed] = /^([0-9a-f]{64})\t(\d+)\t(\S.*)$/.exec(line) ?? [];
    const path = listed?.startsWith(`${folder}/`) ? listed.slice(folder.length + 1) : listed;
    if (sha256 === undefined || path === undefined || !isInside(path)) {
      throw new AppError("DATA_BROKEN", `line ${index + 1} of the list of digests is not "sha256 TAB bytes TAB path"`);
    }
    set.set(path, { path, sha256, bytes: Number(bytes) });
  }
  return set;
}

/** A list is data: it may not name what lies elsewhere. */
export function isInside(path: string): boolean {
  return (
    !path.startsWith("/") && !/^[a-z]:/i.test(path) && !path.split(/[/\\]/).some((part) => part === ".." || part === "")
  );
}

export interface SetFinding {
  readonly verified: readonly string[];
  readonly missing: readonly string[];
  readonly altered: readonly string[];
  /** There, but no part of the set. */
  readonly foreign: readonly string[];
}

/** `found`: path -> SHA-256 of what is there. */
export function compareToKnown(known: KnownSet, found: ReadonlyMap<string, string>): SetFinding {
  const names = [...known.keys()].sort(compareBytewise);
  const digestOf = (path: string) => found.get(path);
  return {
    verified: names.filter((path) => digestOf(path) === known.get(path)!.sha256),
    missing: names.filter((path) => digestOf(path) === undefined),
    altered: names.filter((path) => digestOf(path) !== undefined && digestOf(path) !== known.get(path)!.sha256),
    foreign: [...found.keys()].filter((path) => !known.has(path)).sort(compareBytewise),
  };
}
