/** What `seedgrow train` trains on and where, from its flags and from the `train:` part of a config file. */
import { availableParallelism } from "node:os";
import { dirname, resolve } from "node:path";
import { z } from "zod";
import { AppError } from "../shared/errors.js";
import { isS3 } from "../shared/storage/s3.js";
import { readConfigFile } from "./options.js";

const path = z.string().min(1);

/** The part of a config file that is not the run's config; paths are relative to the file. */
export const trainSectionSchema = z.strictObject({
  data: path.optional(),
  val: path.optional(),
  masks: path.optional(),
  classes: z.array(z.string()).min(1).optional(),
  backbone: path.optional(),
  local: z.int().min(1).max(64).optional(),
  nats: z.string().optional(),
  quick: z.boolean().optional(),
});
export type TrainSection = z.infer<typeof trainSectionSchema>;

export interface TrainInputs {
  readonly data: string;
  readonly val?: string | undefined;
  readonly masks?: string | undefined;
  readonly classes?: string[] | undefined;
  readonly backbone: string;
  readonly quick: boolean;
}

/** More workers than this share a step by no micro-batch of their own. */
const localDefaultMax = 4;

/** Flags win over the file. @throws AppError USAGE, CONFIG_INVALID */
export async function trainInputs(
  flags: Partial<TrainInputs> & { readonly local?: number; readonly nats?: string; readonly config?: string },
): Promise<{ readonly inputs: TrainInputs; readonly where: { localWorkers: number; natsUrl: string | null } }> {
  const file = flags.config === undefined ? {} : await readTrainSection(flags.config);
  const data = flags.data ?? file.data;
  if (data === undefined) {
    throw new AppError("USAGE", "say what to train on: --data PATH", {
      hint: "A folder with a folder of photos for every tag, or `seedgrow init`, which asks.",
    });
  }
  const inputs = {
    data,
    val: flags.val ?? file.val,
    masks: flags.masks ?? file.masks,
    classes: flags.classes ?? file.classes,
    backbone: flags.backbone ?? file.backbone ?? "scratch",
    quick: flags.quick ?? file.quick ?? false,
  };
  return { inputs, where: whereToRun(flags, file) };
}

function whereToRun(flags: { readonly local?: number; readonly nats?: string }, file: TrainSection) {
  const said = flags.local !== undefined || flags.nats !== undefined ? flags : file;
  if (said.local === undefined && said.nats === undefined) return { localWorkers: localDefault(), natsUrl: null };
  return { localWorkers: said.local ?? 0, natsUrl: said.nats ?? null };
}

/** One worker per core, as far as they can share a step. */
export function localDefault(): number {
  return Math.min(localDefaultMax, availableParallelism());
}

async function readTrainSection(file: string): Promise<TrainSection> {
  const content = await readConfigFile(file);
  const parsed = trainSectionSchema.safeParse((content as { train?: unknown } | null)?.train ?? {});
  if (!parsed.success) {
    const problems = parsed.error.issues.map(({ path: at, message }) => `train.${at.join(".")}: ${message}`);
    throw new AppError("CONFIG_INVALID", `${file} has ${problems.length} problem(s):\n  ${problems.join("\n  ")}`, {
      hint: `Keys below train: are ${Object.keys(trainSectionSchema.shape).join(", ")}.`,
    });
  }
  const beside = (value: string | undefined) =>
    value === undefined || isS3(value) ? value : resolve(dirname(file), value);
  const { data, val, masks, backbone, ...rest } = parsed.data;
  const isNamed = backbone === undefined || backbone === "scratch" || /^https?:/.test(backbone);
  const found = { data: beside(data), val: beside(val), masks: beside(masks) };
  return { ...rest, ...found, backbone: isNamed ? backbone : beside(backbone) } as TrainSection;
}
