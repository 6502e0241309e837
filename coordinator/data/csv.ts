/**
 * Tags from a CSV: `path,tag;tag`, paths relative to the CSV's folder. A header is optional; no tag, or `none`, makes a
 * negative. The only layout in which an image can show several classes.
 */
import { type Options, parse } from "csv-parse/sync";
import type { SplitName } from "../../shared/data/manifest.js";
import { AppError } from "../../shared/errors.js";
import { negativeName, type TaggedPath, type TaggedSplit } from "./layouts.js";
import { compareBytewise, fileKind } from "./paths.js";
import type { DataProblem, ProblemKind } from "./problems.js";

/** A million rows of 64 bytes. */
export const csvBytesMax = 64 * 1024 * 1024;

const csvOptions: Options = {
  bom: true,
  trim: true,
  skip_empty_lines: true,
  relax_column_count: true,
  // Named, because the first line alone would decide: a header from Windows above lines from elsewhere.
  record_delimiter: ["\r\n", "\n"],
  info: true,
};

interface Row {
  readonly path: string;
  readonly tags: readonly string[];
  readonly line: number;
  readonly surplus: boolean;
}

export function readCsv(text: string, split: SplitName): TaggedSplit {
  const images = new Map<string, TaggedPath>();
  const problems: DataProblem[] = [];
  const rejected = new Set<string>();
  for (const row of parseRows(text)) {
    const problem = problemOf(row, images.get(row.path), split);
    if (problem) {
      problems.push(problem);
      if (problem.kind === "mistagged") rejected.add(row.path);
    } else images.set(row.path, { path: row.path, tags: row.tags.filter((tag) => tag !== negativeName) });
  }
  const kept = [...images.values()].filter(({ path }) => !rejected.has(path));
  const classes = [...new Set(kept.flatMap(({ tags }) => tags))].sort(compareBytewise);
  return { images: kept, classes, problems };
}

function parseRows(text: string): Row[] {
  try {
    const records = parse(text, csvOptions) as unknown as { record: string[]; info: { lines: number } }[];
    const rows = records.map(({ record, info }) => rowOf(record, info.lines));
    return rows.length > 0 && isHeader(rows[0]!) ? rows.slice(1) : rows;
  } catch (cause) {
    throw new AppError("DATA_TAGS", `the CSV of tags cannot be parsed: ${(cause as Error).message}`, {
      hint: "One line per image: path,tag;tag. Quote a path that holds a comma.",
      cause,
    });
  }
}

function rowOf([path = "", cell = "", ...more]: readonly string[], line: number): Row {
  const tags = [...new Set(cell.split(";").map((tag) => tag.trim()))].filter((tag) => tag !== "");
  const clean = path.replaceAll("\\", "/").replace(/^(\.\/)+/, "");
  return { path: clean, tags: tags.sort(compareBytewise), line, surplus: more.some((extra) => extra !== "") };
}

function isHeader({ path }: Row): boolean {
  return fileKind(path) === "other" && /^(path|file|filename|image|img|photo|name)$/i.test(path);
}

function problemOf(row: Row, earlier: TaggedPath | undefined, split: SplitName): DataProblem | null {
  const { path, tags, line } = row;
  const problem = (kind: ProblemKind, message: string): DataProblem => {
    return { split, path: path || `line ${line}`, kind, message: `line ${line}: ${message}` };
  };
  if (path === "") return problem("missing", "no path");
  if (path.startsWith("/") || /^[a-z]:/i.test(path) || path.split("/").includes("..")) {
    return problem("missing", "paths go down from the CSV's folder; no absolute path, no ..");
  }
  if (fileKind(path) !== "image") return problem("unsupported", "not a JPEG, PNG, WebP, TIFF, GIF or AVIF file");
  if (row.surplus) return problem("mistagged", "more than two columns; several tags are joined by a semicolon");
  if (tags.includes(negativeName) && tags.length > 1)
    return problem("mistagged", `${tags.join(";")} contradicts itself`);
  if (!earlier) return null;
  const same = tags.filter((tag) => tag !== negativeName).join(";") === earlier.tags.join(";");
  return problem(same ? "duplicate" : "mistagged", same ? "listed twice" : "listed before with other tags");
}
