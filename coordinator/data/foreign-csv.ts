/**
 * Tables of tags as other tools write them -> path and tags. Two shapes: a column of tags (joined by ; , | or space), or a
 * column per class with 0 and 1, true and false, yes and no. Pure.
 */
import { parse } from "csv-parse/sync";
import { AppError } from "../../shared/errors.js";
import { negativeName } from "./layouts.js";
import { compareBytewise } from "./paths.js";

export interface ForeignCsvOptions {
  /** Null: the first whose name says so, else the first. */
  readonly pathColumn: string | null;
  /** Null: the one whose name says so; without one, every other column is a class. */
  readonly tagsColumn: string | null;
}

export interface TaggedRow {
  readonly path: string;
  readonly tags: readonly string[];
  readonly line: number;
}

const pathNames = /^(path|file|filename|file_name|image|img|photo|image_path|image_id|name|id)$/i;
const tagNames = /^(tags?|labels?|class|classes|category|categories)$/i;
const yes = new Set(["1", "1.0", "true", "yes", "y", "x"]);
const no = new Set(["", "0", "0.0", "-1", "false", "no", "n"]);

/** @throws AppError DATA_TAGS naming the line. */
export function readForeignCsv(text: string, options: ForeignCsvOptions): TaggedRow[] {
  const [head, ...rows] = parseCells(text);
  if (!head) throw new AppError("DATA_TAGS", "the CSV is empty");
  const columns = head.cells.map((name) => name.trim());
  const pathAt = columnAt(columns, options.pathColumn, pathNames) ?? 0;
  const tagsAt = columnAt(columns, options.tagsColumn, tagNames);
  return rows.map(({ cells, line }) => {
    const path = (cells[pathAt] ?? "").trim().replaceAll("\\", "/");
    if (path === "") throw new AppError("DATA_TAGS", `line ${line}: column "${columns[pathAt]}" is empty`);
    const tags = tagsAt === null ? flagged(columns, cells, pathAt, line) : split(cells[tagsAt] ?? "");
    return { path, tags: [...new Set(tags)].filter((tag) => tag !== negativeName).sort(compareBytewise), line };
  });
}

function parseCells(text: string): { cells: string[]; line: number }[] {
  try {
    const delimiter = text.slice(0, 1_000).split("\n", 1)[0]!.includes("\t") ? "\t" : [",", ";"];
    const options = { bom: true, skip_empty_lines: true, relax_column_count: true, info: true, delimiter } as const;
    const records = parse(text, options as never) as unknown as { record: string[]; info: { lines: number } }[];
    return records.map(({ record, info }) => ({ cells: record, line: info.lines }));
  } catch (cause) {
    throw new AppError("DATA_TAGS", `the CSV cannot be parsed: ${(cause as Error).message}`, { cause });
  }
}

function columnAt(columns: readonly string[], asked: string | null, guess: RegExp): number | null {
  const at = columns.findIndex((name) => (asked === null ? guess.test(name) : name === asked));
  if (at >= 0) return at;
  if (asked === null) return null;
  throw new AppError("DATA_TAGS", `the CSV has no column "${asked}"`, { hint: `Its columns: ${columns.join(", ")}.` });
}

function split(cell: string): string[] {
  const separator = [";", "|", ","].find((one) => cell.includes(one)) ?? /\s+/;
  return cell
    .split(separator)
    .map((tag) => tag.trim())
    .filter((tag) => tag !== "");
}

function flagged(columns: readonly string[], cells: readonly string[], pathAt: number, line: number): string[] {
  return columns.filter((name, at) => {
    if (at === pathAt) return false;
    const cell = (cells[at] ?? "").trim().toLowerCase();
    if (yes.has(cell)) return true;
    if (no.has(cell)) return false;
    throw new AppError("DATA_TAGS", `line ${line}: column "${name}" holds "${cell}", neither yes nor no`, {
      hint: "Name the column of tags with --tags-column, if there is one.",
    });
  });
}
