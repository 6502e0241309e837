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
import type { PeerRange } from "../adapters/peer-links.js";
import type { PartialSum, TrainStage } from "../compute/contract.js";
import { sumLength, type WorkerExchange } from "../exchange/exchange.js";
import { aheadName, sliceName, sumName } from "../exchange/names.js";
import type { PullAhead } from "../exchange/pulls-ahead.js";
import type { StatePart } from "../exchange/state-room.js";
import { type RoundBlock, type Summand, sumInto, summedFloats } from "../exchange/summing.js";
import type { JobContext, JobOutput, JobResult } from "./context.js";

interface Wanted {
  readonly name: string;
  readonly first: number;
  readonly end: number;
  readonly peer: Peer__Output | null;
  /** How many of the numbers are encoded. */
  readonly body: number;
  /** What it may have been pulled as before it was wanted. */
  readonly aheadName?: string | null;
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
  const wanted = summands.map(({ node, peer, key }): Wanted => {
    const name = key === "" ? null : aheadName(of, node, key);
    return { name: sumName(of, node), first, end, peer, body, aheadName: name };
  });
  const round = roundingOf({ wire, seed, stage, step: of.step });
  const add: Use = async (ranges, { pulledBytes, pulledAheadBytes }) => {
    const fromMs = performance.now();
    const parts = summands.map(({ node }, i): Summand => ({ node: parseNode(node), encoded: ranges[i]! }));
    const rooms = parts.map(() => exchange.pool.take(4 * summedFloats));
    exchange.keepNew(sliceName(of, first, end), first, end, length, (slice) => {
      const roundBlock: RoundBlock = (node, sum, at) => round(node, sum, first + at, length);
      if (!sumInto(slice, parts, leafCount, roundBlock, rooms.map(float32Of)))
        throw new AppError("MESSAGE_INVALID", `the summands are not all of ${leafCount} micro-batches`);
    });
    for (const room of rooms) exchange.pool.give(room);
    const metrics = { pulledBytes, pulledAheadBytes };
    return { outputs: [], metrics, images: 0, computeMs: performance.now() - fromMs };
  };
  // The order may come again, and then for other sums.
  return withAll(exchange, wanted, null, add).finally(() => exchange.ahead.end());
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
  const use: Use = async (slices, { pulledBytes }) => {
    const fromMs = performance.now();
    const loss = await exchange.update(slices, job.hash.includes("values"));
    const { parts, digest } = exchange.model;
    const others = job.hash.filter((name) => name !== "values");
    const named = others.map((name) => ({ name, bytes: bytesOf(parts[name as StatePart]) }));
    const outputs = [{ name: "values", bytes: bytesOf(parts.values), digest }, ...named];
    const metrics = { loss, pulledBytes: pulledBytes + synced.bytes };
    return { outputs, metrics, images: 0, computeMs: performance.now() - fromMs };
  };
  if (exchange.deps.wire !== "f32") return withAll(exchange, wanted, null, use);
  const whole = exchange.blank(bodyOf(0, length, length), length);
  const places = job.slices.map(({ first, end }) => rangeOf(whole, first, end));
  try {
    return await withAll(exchange, wanted, places, (_, pulled) => use([whole], pulled));
  } finally {
    exchange.pool.give(whole.bytes);
  }
}

/**
 * Partial sums stay here; what goes out is what they are: with a digest where they are audited. `key`: of the work that led to them.
 * `release`: for when nobody needs the sums' own memory any more.
 */
export function keepSums(
  exchange: WorkerExchange,
  of: Exchange__Output,
  stage: TrainStage,
  key: string,
  sums: readonly PartialSum[],
  release: () => void,
): { readonly outputs: JobOutput[]; readonly metrics: WorkMetrics } {
  let defect: string | undefined;
  const outputs = sums.map((sum) => {
    const name = nodeKey(sum.node);
    const { encoded, notFinite } = exchange.keep(of, stage, key, sum);
    const { bytes, length } = encoded;
    if (notFinite >= 0) defect ??= `sum ${name} is not finite at ${notFinite} of ${length}`;
    return { name, bytes, digest: of.hashSums ? sha256(bytes) : "" };
  });
  if (exchange.deps.wire === "f32") exchange.lend(release);
  else release();
  return { outputs, metrics: defect === undefined ? {} : { notFinite: defect } };
}

/** How much came from others, and how much of it while they were still computing. */
interface PulledBytes {
  pulledBytes: number;
  pulledAheadBytes: number;
}

type Use = (ranges: readonly Encoded[], pulled: PulledBytes) => Promise<JobResult>;

/**
 * What is wanted, in its order, from all at once, until `use` has done with it; what is held here stays where it lies. `places`: where
 * each of them goes, what is held here as well: as f32, slices in a row are read without putting pages of them together.
 */
async function withAll(
  exchange: WorkerExchange,
  wanted: readonly Wanted[],
  places: readonly Encoded[] | null,
  use: Use,
): Promise<JobResult> {
  const missing = new Set<string>();
  const lent: Uint8Array[] = [];
  const pulled: PulledBytes = { pulledBytes: 0, pulledAheadBytes: 0 };
  const early = exchange.ahead.claim(wanted.map(rangeAhead));
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
    const ahead = early[i] ?? null;
    const outcome = ahead && (await outcomeOf(ahead));
    // Silent for too long by now, or gone: asked again, it would be so for longer.
    if (outcome === "unreachable") missing.add(workerId);
    const range = outcome === "failed" || !ahead ? (place ?? blank(body, end - first)) : ahead.range;
    pulled.pulledBytes += range.bytes.length;
    if (range === ahead?.range) pulled.pulledAheadBytes += range.bytes.length;
    else await exchange.deps.pullPeer({ address, name, first, end }, range.bytes).catch(() => missing.add(workerId));
    return range;
  });
  const ranges = await Promise.all(pulls);
  try {
    return missing.size > 0 ? undone([...missing]) : await use(ranges, pulled);
  } finally {
    for (const room of lent) exchange.pool.give(room);
  }
}

function rangeAhead({ aheadName = null, peer, first, end }: Wanted): PeerRange | null {
  return aheadName === null ? null : { address: peer?.address ?? "", name: aheadName, first, end };
}

function outcomeOf({ arrival }: PullAhead): Promise<"there" | "unreachable" | "failed"> {
  return arrival.then(
    () => "there",
    (error) => (AppError.from(error).code === "PEER_UNREACHABLE" ? "unreachable" : "failed"),
  );
}
