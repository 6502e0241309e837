/** From an ablation's file and the command's flags to cells whose settings are known to be right. */
import { basename, dirname, extname, join } from "node:path";
import {
  type Ablation,
  type AblationDataset,
  commandOf,
  parseAblation,
  planCells,
} from "../../coordinator/ablation/plan.js";
import type { ReadyCell } from "../../coordinator/adapters/ablation-store.js";
import { AppError } from "../../shared/errors.js";
import { presetFor, readConfigFile, runConfigFrom } from "../options.js";

export interface CellFlags {
  readonly config: string;
  readonly data: readonly string[];
  readonly val?: string;
  readonly masks?: string;
  readonly classes?: string[];
  readonly backbone?: string;
  readonly set: readonly string[];
  readonly only: readonly string[];
  readonly seeds?: readonly number[];
  readonly local?: number;
  readonly nats?: string;
}

export interface ReadyAblation {
  readonly cells: readonly ReadyCell[];
  /** Variant -> its sentence. */
  readonly about: Readonly<Record<string, string>>;
}

/** @throws AppError before anything is trained: CONFIG_INVALID naming each variant's problems, USAGE. */
export async function readyCells(flags: CellFlags): Promise<ReadyAblation> {
  const ablation = withFlags(parseAblation(await readConfigFile(flags.config), flags.config), flags);
  const plans = planCells(ablation, { only: flags.only, seeds: flags.seeds ?? null });
  const where = flags.nats === undefined ? ["--local", String(flags.local ?? 1)] : ["--nats", flags.nats];
  const problems = new Map<string, string>();
  const cells: ReadyCell[] = [];
  for (const plan of plans) {
    const named = { ...plan, sets: [...plan.sets, ...flags.set] };
    try {
      const config = await runConfigFrom({ set: named.sets, seed: plan.seed }, presetFor(plan.backbone));
      cells.push({ ...named, config, command: commandOf(named, where) });
    } catch (thrown) {
      problems.set(plan.variant, AppError.from(thrown).message);
    }
  }
  if (problems.size > 0) {
    const lines = [...problems].map(([variant, message]) => `variant ${variant}: ${message}`);
    throw new AppError("CONFIG_INVALID", `${flags.config}: ${lines.join("\n")}`);
  }
  const about = Object.fromEntries(ablation.variants.map((variant) => [variant.name, variant.about]));
  return { cells, about };
}

/** Paths in the file are relative to it. --data replaces its data sets, --backbone its backbone. */
function withFlags(ablation: Ablation, flags: CellFlags): Ablation {
  const beside = (path: string) => (isPlace(path) ? path : join(dirname(flags.config), path));
  const inFile = Object.entries(ablation.datasets).map(([name, { data, val, masks, classes }]) => {
    const paths = { data: beside(data), ...(val && { val: beside(val) }), ...(masks && { masks: beside(masks) }) };
    return [name, { ...paths, ...(classes && { classes }) }] as const;
  });
  const given = datasetsOf(flags);
  const variants = ablation.variants.map(({ datasets, backbone, ...variant }) => ({
    ...variant,
    ...(datasets && given.length === 0 ? { datasets } : {}),
    ...(backbone === undefined ? {} : { backbone: beside(backbone) }),
  }));
  return {
    ...ablation,
    variants,
    backbone: flags.backbone ?? beside(ablation.backbone),
    datasets: Object.fromEntries(given.length > 0 ? given : inFile),
  };
}

function isPlace(path: string): boolean {
  return path === "scratch" || path.startsWith("/") || /^https?:/.test(path);
}

function datasetsOf({ data, val, masks, classes }: CellFlags): [string, AblationDataset][] {
  if (data.length !== 1 && (val ?? masks ?? classes) !== undefined) {
    throw new AppError("USAGE", `--val, --masks and --classes belong to one --data; there are ${data.length}`, {
      hint: "Give folders with train/, val/ and masks/, or name the data sets in the file.",
    });
  }
  const sets = data.map((path): [string, AblationDataset] => {
    const name = basename(path, extname(path)).replace(/[^\w.+-]/g, "-") || "data";
    return [name, { data: path, ...(val && { val }), ...(masks && { masks }), ...(classes && { classes }) }];
  });
  const double = sets.find(([name], i) => sets.findIndex(([other]) => other === name) !== i);
  if (!double) return sets;
  throw new AppError("USAGE", `two data sets are called "${double[0]}"`, { hint: "Name them in the file." });
}
