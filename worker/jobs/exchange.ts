/** The jobs of sharded training: a slice of the step's sums, and the update that all of them make. */
import { bytesOf, float32Of, sha256 } from "../../shared/codec/digest.js";
import type { WorkMetrics } from "../../shared/data/work-metrics.js";
import { AppError } from "../../shared/errors.js";
import type { ApplyJob__Output } from "../../shared/gen/seedgrow/v1/ApplyJob.js";
import type { Exchange__Output } from "../../shared/gen/seedgrow/v1/Exchange.js";
import type { Peer__Output } from "../../shared/gen/seedgrow/v1/Peer.js";
import type { ReduceJob__Output } from "../../shared/gen/seedgrow/v1/ReduceJob.js";
import { roundingOf } from "../../shared/math/rounding.js";
import { nodeKey, parseNode } from "../../shared/math/tree-sum.js";
import { bodyOf, type Encoded, rangeOf } from "../../shared/math/wire.js";
import type { PartialSum, TrainStage } from "../compute/contract.js";
import { type StatePart, stepName, sumLength, sumName, type WorkerExchange } from "../exchange/exchange.js";
import { type RoundBlock, type Summand, sumInto, summedFloats } from "../exchange/summing.js";
import type { JobContext, JobOutput, JobResult } from "./context.js";

interface Wanted {
  readonly name: string;
  readonly first: number;
  readonly end: number;
  readonly peer: Peer__Output | null;
  /** How many of the numbers are encoded. */
  readonly body: number;
}

/** Work that could not be done, for what others did not give. */
export function undone(missing: readonly string[]): JobResult {
  return { outputs: [], metrics: { missing }, images: 0, computeMs: 0 };
}

export async function reduceJob(
  { exchange }: JobContext,
  stage: TrainStage,
  of: Exchange__Output,
  job: ReduceJob__Output,
): Promise<JobResult> {
  const { first, end, length, leafCount, summands } = job;
  const { wire, seed } = exchange.deps;
  exchange.enter(of);
  const body = bodyOf(first, end, length);
  const wanted = summands.map(({ node, peer }): Wanted => {
    return { name: sumName(of, node), first, end, peer, body };
  });
  const round = roundingOf({ wire, seed, stage, step: of.step });
  return withAll(exchange, wanted, null, async (ranges, pulledBytes) => {
    const fromMs = performance.now();
    const parts = summands.map(({ node }, i): Summand => ({ node: parseNode(node), encoded: ranges[i]! }));
    const rooms = parts.map(() => exchange.pool.take(4 * summedFloats));
    exchange.keepNew(sliceName(of, first, end), first, end, length, (slice) => {
      const roundBlock: RoundBlock = (node, sum, at) => round(node, sum, first + at, length);
      if (!sumInto(slice, parts, leafCount, roundBlock, rooms.map(float32Of)))
        throw new AppError("MESSAGE_INVALID", `the summands are not all of ${leafCount} micro-batches`);
    });
    for (const room of rooms) exchange.pool.give(room);
    return { outputs: [], metrics: { pulledBytes }, images: 0, computeMs: performance.now() - fromMs };
  });
}

export async function applyJob(
  { exchange }: JobContext,
  stage: TrainStage,
  weightsDigest: string,
  of: Exchange__Output,
  job: ApplyJob__Output,
): Promise<JobResult> {
  exchange.enter(of);
  const synced = await exchange.begin(of, stage, weightsDigest);
  if (synced.missing.length > 0) return undone(synced.missing);
  const length = sumLength(exchange.model.specs);
  const wanted = job.slices.map(({ first, end, peer }): Wanted => {
    return { name: sliceName(of, first, end), first: 0, end: end - first, peer, body: bodyOf(first, end, length) };
  });
  const covered = job.slices.reduce((at, { first, end }) => (first === at && end >= first ? end : -1), 0);
  if (covered !== length) throw new AppError("MESSAGE_INVALID", `the slices are not all of ${length} numbers`);
  const use = async (slices: readonly Encoded[], bytes: number): Promise<JobResult> => {
    const fromMs = performance.now();
    const loss = await exchange.update(slices, job.hash.includes("values"));
    const { parts, digest } = exchange.model;
    const others = job.hash.filter((name) => name !== "values");
    const named = others.map((name) => ({ name, bytes: bytesOf(parts[name as StatePart]) }));
    const outputs = [{ name: "values", bytes: bytesOf(parts.values), digest }, ...named];
    const metrics = { loss, pulledBytes: bytes + synced.bytes };
    return { outputs, metrics, images: 0, computeMs: performance.now() - fromMs };
  };
  if (exchange.deps.wire !== "f32") return withAll(exchange, wanted, null, use);
  const whole = exchange.blank(bodyOf(0, length, length), length);
  const places = job.slices.map(({ first, end }) => rangeOf(whole, first, end));
  try {
    return await withAll(exchange, wanted, places, (_, bytes) => use([whole], bytes));
  } finally {
    exchange.pool.give(whole.bytes);
  }
}

/**
 * Partial sums stay here; what goes out is what they are: with a digest where they are audited. `release`: for when nobody needs the
 * sums' own memory any more.
 */
export function keepSums(
  exchange: WorkerExchange,
  of: Exchange__Output,
  stage: TrainStage,
  sums: readonly PartialSum[],
  release: () => void,
): { readonly outputs: JobOutput[]; readonly metrics: WorkMetrics } {
  let defect: string | undefined;
  const outputs = sums.map((sum) => {
    const name = nodeKey(sum.node);
    const { encoded, notFinite } = exchange.keep(of, stage, name, sum);
    const { bytes, length } = encoded;
    if (notFinite >= 0) defect ??= `sum ${name} is not finite at ${notFinite} of ${length}`;
    return { name, bytes, digest: of.hashSums ? sha256(bytes) : "" };
  });
  if (exchange.deps.wire === "f32") exchange.lend(release);
  else release();
  return { outputs, metrics: defect === undefined ? {} : { notFinite: defect } };
}

function sliceName(of: Exchange__Output, first: number, end: number): string {
  return `${stepName(of)}/slice/${first}-${end}`;
}

/**
 * What is wanted, in its order, from all at once, until `use` has done with it; what is held here stays where it lies. `bytes`: how
 * much came from others. `places`: where each of them goes, what is held here as well: as f32, slices in a row are read without putting
 * pages of them together.
 */
async function withAll(
  exchange: WorkerExchange,
  wanted: readonly Wanted[],
  places: readonly Encoded[] | null,
  use: (ranges: readonly Encoded[], bytes: number) => Promise<JobResult>,
): Promise<JobResult> {
  const missing = new Set<string>();
  const lent: Uint8Array[] = [];
  let bytes = 0;
  const blank = (body: number, length: number) => {
    const range = exchange.blank(body, length);
    lent.push(range.bytes);
    return range;
  };
  const pulls = wanted.map(async ({ name, first, end, peer, body }, i): Promise<Encoded> => {
    const own = exchange.vector(name);
    const place = places?.[i];
    if (own && end <= own.length) {
      const range = rangeOf(own, first, end);
      place?.bytes.set(range.bytes);
      return place ?? range;
    }
    const { address = "", workerId = "" } = peer ?? {};
    const range = place ?? blank(body, end - first);
    bytes += range.bytes.length;
    await exchange.deps.pullPeer({ address, name, first, end }, range.bytes).catch(() => missing.add(workerId));
    return range;
  });
  const ranges = await Promise.all(pulls);
  try {
    return missing.size > 0 ? undone([...missing]) : await use(ranges, bytes);
  } finally {
    for (const room of lent) exchange.pool.give(room);
  }
}
