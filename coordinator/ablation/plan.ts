/**
 * What an ablation trains: every variant on every data set with every seed, each combination a cell. Pure; the file's
 * format is in docs/ABLATION.md.
 */
import { z } from "zod";
import { AppError } from "../../shared/errors.js";

const name = z.string().regex(/^[\w.+-]+$/, "letters, digits and . _ + - only: it becomes part of file names");
const settings = z.record(z.string(), z.unknown());

const datasetSchema = z.strictObject({
  /** As --data, --val, --masks and --classes of `train`. */
  data: z.string(),
  val: z.string().optional(),
  masks: z.string().optional(),
  classes: z.array(z.string()).min(1).optional(),
});
export type AblationDataset = z.infer<typeof datasetSchema>;

const variantSchema = z.strictObject({
  name,
  /** One sentence for the table. */
  about: z.string().default(""),
  set: settings.default({}),
  backbone: z.string().optional(),
  /** Names of data sets; else all. */
  datasets: z.array(z.string()).min(1).optional(),
});
export type AblationVariant = z.infer<typeof variantSchema>;

const ablationSchema = z.strictObject({
  seeds: z.array(z.int().min(0)).min(1).default([1]),
  backbone: z.string().default("scratch"),
  datasets: z.record(name, datasetSchema).default({}),
  /** Settings of all variants. */
  set: settings.default({}),
  /** The first is the one that the others are compared with. */
  variants: z.array(variantSchema).min(1),
});
export type Ablation = z.infer<typeof ablationSchema>;

export interface Cell {
  /** "herd.boxsup.seed-1": unique, and fit for a file name. */
  readonly id: string;
  readonly dataset: string;
  readonly variant: string;
  readonly seed: number;
}

export interface CellPlan extends Cell {
  readonly source: AblationDataset;
  readonly backbone: string;
  /** "key=value", as --set takes them; a variant's own setting replaces the common one. */
  readonly sets: readonly string[];
}

/** @throws AppError CONFIG_INVALID naming every problem. */
export function parseAblation(content: unknown, fileName: string): Ablation {
  const parsed = ablationSchema.safeParse(content);
  if (!parsed.success) {
    const problems = parsed.error.issues.map(({ path, message }) => `${path.join(".") || fileName}: ${message}`);
    throw invalid(fileName, problems);
  }
  const { variants, datasets } = parsed.data;
  const problems = [
    ...twice(variants.map((variant) => variant.name)).map((double) => `variants: two are called "${double}"`),
    ...variants.flatMap((variant) =>
      (variant.datasets ?? [])
        .filter((dataset) => !(dataset in datasets))
        .map((dataset) => `variants.${variant.name}: there is no data set "${dataset}"`),
    ),
  ];
  if (problems.length > 0) throw invalid(fileName, problems);
  return parsed.data;
}

function invalid(fileName: string, problems: readonly string[]): AppError {
  const message = `${fileName} has ${problems.length} problem(s):\n  ${problems.join("\n  ")}`;
  return new AppError("CONFIG_INVALID", message, { hint: "docs/ABLATION.md shows the format." });
}

function twice(names: readonly string[]): string[] {
  return [...new Set(names.filter((one, i) => names.indexOf(one) !== i))];
}

export interface CellChoice {
  /** Variants; empty: all. */
  readonly only: readonly string[];
  readonly seeds: readonly number[] | null;
}

/** Seed by seed, so that every variant has a result early. @throws AppError USAGE when a chosen name does not exist. */
export function planCells(ablation: Ablation, { only, seeds }: CellChoice): CellPlan[] {
  const known = ablation.variants.map((variant) => variant.name);
  const unknown = only.filter((one) => !known.includes(one));
  if (unknown.length > 0) {
    const hint = `The variants are ${known.join(", ")}.`;
    throw new AppError("USAGE", `--only: there is no variant "${unknown.join('", "')}"`, { hint });
  }
  if (Object.keys(ablation.datasets).length === 0) {
    const hint = "Name one under `datasets:`, or pass --data (and --val, --masks).";
    throw new AppError("USAGE", "the ablation has no data set", { hint });
  }
  const chosen = ablation.variants.filter((variant) => only.length === 0 || only.includes(variant.name));
  return (seeds ?? ablation.seeds).flatMap((seed) =>
    Object.entries(ablation.datasets).flatMap(([dataset, source]) =>
      chosen
        .filter((variant) => !variant.datasets || variant.datasets.includes(dataset))
        .map((variant) => planCell(ablation, variant, { dataset, source, seed })),
    ),
  );
}

function planCell(
  ablation: Ablation,
  variant: AblationVariant,
  { dataset, source, seed }: { dataset: string; source: AblationDataset; seed: number },
): CellPlan {
  const values = new Map([...flatten(ablation.set), ...flatten(variant.set)]);
  return {
    id: `${dataset}.${variant.name}.seed-${seed}`,
    dataset,
    variant: variant.name,
    seed,
    source,
    backbone: variant.backbone ?? ablation.backbone,
    sets: [...values].map(([key, value]) => `${key}=${typeof value === "string" ? value : JSON.stringify(value)}`),
  };
}

/** Dotted keys of nested maps; lists are values. */
function flatten(map: Readonly<Record<string, unknown>>, prefix = ""): [string, unknown][] {
  return Object.entries(map).flatMap(([key, value]): [string, unknown][] => {
    const isMap = value !== null && typeof value === "object" && !Array.isArray(value);
    return isMap ? flatten(value as Record<string, unknown>, `${prefix}${key}.`) : [[prefix + key, value]];
  });
}

/** The arguments after "seedgrow" that train the cell alone. `where`: such as --local 2. */
export function commandOf({ source, backbone, sets, seed }: CellPlan, where: readonly string[]): string[] {
  const { data, val, masks, classes } = source;
  return [
    ...["train", "--data", data],
    ...(val === undefined ? [] : ["--val", val]),
    ...(masks === undefined ? [] : ["--masks", masks]),
    ...(classes === undefined ? [] : ["--classes", classes.join(",")]),
    ...["--backbone", backbone, "--seed", String(seed)],
    ...sets.flatMap((set) => ["--set", set]),
    ...where,
  ];
}

/**
 * Seconds until all of `open` is done, from those of finished cells: the same variant's on the same data, else the
 * data set's, else anybody's mean; null before there is any.
 */
export function etaSeconds(
  open: readonly Cell[],
  done: readonly (Cell & { readonly seconds: number })[],
): number | null {
  if (done.length === 0) return null;
  const mean = (cells: readonly { readonly seconds: number }[]) => {
    return cells.length === 0 ? null : cells.reduce((sum, { seconds }) => sum + seconds, 0) / cells.length;
  };
  return open.reduce((sum, cell) => {
    const here = done.filter(({ dataset }) => dataset === cell.dataset);
    const same = here.filter(({ variant }) => variant === cell.variant);
    return sum + (mean(same) ?? mean(here) ?? mean(done)!);
  }, 0);
}
