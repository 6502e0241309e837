/** Where training stands inside a phase, as a checkpoint file: written and read a page at a time. */
import { createHash } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";
import { z } from "zod";
import { type Floats, pagesOf } from "../../shared/aggregate/floats.js";
import { momentsOf } from "../../shared/aggregate/replica.js";
import { bytesOf, type Digest, sha256 } from "../../shared/codec/digest.js";
import { type ParamSpecs, paramCount, paramSpecsSchema } from "../../shared/data/param-specs.js";
import {
  type CheckpointHeader,
  checkpointHead,
  headBytes,
  headStartBytes,
  parseHead,
  type SectionPlace,
} from "../core/checkpoint.js";
import type { TrainerState } from "../training.js";
import { readFully } from "./files.js";
import type { Scratch } from "./scratch.js";

export interface TrainingPoint {
  readonly phase: string;
  readonly nextStep: number;
  readonly specs: ParamSpecs;
  readonly losses: readonly [number, number | null][];
  readonly state: TrainerState;
}

const extraSchema = z.object({
  specs: paramSpecsSchema,
  losses: z.array(z.tuple([z.int(), z.number().nullable()])),
  optimizerSteps: z.int().nonnegative(),
  /** nesterov: of local steps (cluster.sync). */
  optimizer: z.enum(["adamw", "nesterov"]).default("adamw"),
});

/** The file's pieces in order: head, parameters, the optimiser's moments (or momentum), the parameters' average where there is one. */
export async function encodePoint(point: TrainingPoint): Promise<AsyncIterable<Uint8Array>> {
  const { phase, nextStep, specs, losses, state } = point;
  const { steps: optimizerSteps } = state.optimizer;
  const optimizer = "momentum" in state.optimizer ? "nesterov" : "adamw";
  const bytes = state.values.byteLength;
  const moments = momentsOf(state.optimizer);
  const rest = state.average ? [...moments, state.average] : moments;
  const digests = [sha256(state.values)];
  for (const floats of rest) digests.push(await digestOf(floats));
  const header: CheckpointHeader = { phase, nextStep, extra: { specs, losses, optimizerSteps, optimizer } };
  const head = checkpointHead(
    header,
    digests.map((digest) => ({ digest, bytes })),
  );
  return (async function* () {
    yield* head;
    yield state.values;
    for (const floats of rest) yield* bytesIn(floats);
  })();
}

/** Null when the file is missing, torn, altered, or no checkpoint of ours. */
export async function readPoint(path: string, scratch: Scratch): Promise<TrainingPoint | null> {
  const file = await open(path, "r").catch(() => null);
  if (!file) return null;
  try {
    const head = await readHead(file);
    const extra = extraSchema.safeParse(head?.header.extra);
    if (!head || !extra.success) return null;
    const { specs, losses, optimizerSteps: steps, optimizer: kind } = extra.data;
    const momentCount = kind === "nesterov" ? 1 : 2;
    if (![1, 2].includes(head.sections.length - momentCount)) return null;
    const count = paramCount(specs);
    if (head.sections.some(({ bytes }) => bytes !== count * 4)) return null;
    const [valuesAt, ...others] = head.sections as [SectionPlace, ...SectionPlace[]];
    const values = await readExactly(file, valuesAt.bytes, valuesAt.at);
    if (!values || sha256(values) !== valuesAt.digest) return null;
    const rest = await readAll(file, others, () => scratch.floats(count));
    if (!rest) return null;
    const [first, second] = rest as [Floats, Floats];
    const average = rest[momentCount] ?? null;
    const optimizer = kind === "nesterov" ? { steps, momentum: first } : { steps, first, second };
    const { phase, nextStep } = head.header;
    return { phase, nextStep, specs, losses, state: { values, optimizer, average } };
  } finally {
    await file.close();
  }
}

/** Null, with nothing left open, when one of them is damaged. */
async function readAll(
  file: FileHandle,
  sections: readonly SectionPlace[],
  make: () => Promise<Floats>,
): Promise<Floats[] | null> {
  const made: Floats[] = [];
  for (const section of sections) {
    const floats = await make();
    made.push(floats);
    if (await readFloats(file, section, floats)) continue;
    await Promise.all(made.map((one) => one.close()));
    return null;
  }
  return made;
}

async function readHead(file: FileHandle) {
  const { size } = await file.stat();
  const start = await readExactly(file, headStartBytes, 0);
  const length = start && headBytes(start, size);
  const head = length ? await readExactly(file, length, 0) : null;
  return head && parseHead(head, size);
}

/** Null when the file ends before. */
async function readExactly(file: FileHandle, length: number, at: number): Promise<Uint8Array | null> {
  const bytes = new Uint8Array(length);
  return (await readFully(file, bytes, at)) ? bytes : null;
}

async function readFloats(file: FileHandle, section: SectionPlace, into: Floats): Promise<boolean> {
  const hash = createHash("sha256");
  for (const [at, end] of pagesOf(into.length)) {
    const page = await into.page(at, end);
    if (!(await readFully(file, bytesOf(page), section.at + at * 4))) return false;
    hash.update(bytesOf(page));
    await into.put(at, page);
  }
  return hash.digest("hex") === section.digest;
}

async function* bytesIn(floats: Floats): AsyncGenerator<Uint8Array> {
  for (const [at, end] of pagesOf(floats.length)) yield bytesOf(await floats.page(at, end));
}

async function digestOf(floats: Floats): Promise<Digest> {
  const hash = createHash("sha256");
  for await (const bytes of bytesIn(floats)) hash.update(bytes);
  return hash.digest("hex");
}
