/** The jobs of sharded training: a slice of the step's sums, and the update that all of them make. */
import { bytesOf, sha256 } from "../../shared/codec/digest.js";
import type { WorkMetrics } from "../../shared/data/work-metrics.js";
import { AppError } from "../../shared/errors.js";
import type { ApplyJob__Output } from "../../shared/gen/seedgrow/v1/ApplyJob.js";
import type { Exchange__Output } from "../../shared/gen/seedgrow/v1/Exchange.js";
import type { Peer__Output } from "../../shared/gen/seedgrow/v1/Peer.js";
import type { ReduceJob__Output } from "../../shared/gen/seedgrow/v1/ReduceJob.js";
import { roundingOf } from "../../shared/math/rounding.js";
import { nodeKey, parseNode, TreeAccumulator } from "../../shared/math/tree-sum.js";
import { notFiniteIndex } from "../../shared/math/vectors.js";
import { bodyOf, byteOffset, decodeInto, decodeRange } from "../../shared/math/wire.js";
import type { PartialSum, TrainStage } from "../compute/contract.js";
import { type StatePart, stepName, sumLength, type WorkerExchange } from "../exchange/exchange.js";
import type { JobContext, JobOutput, JobResult } from "./context.js";

interface Wanted {
  readonly name: string;
  readonly first: number;
  readonly end: number;
  readonly peer: Peer__Output | null;
  readonly target: Float32Array;
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
  const { first, end, length, leafCount } = job;
  const { wire, seed } = exchange.deps;
  exchange.enter(of);
  const body = bodyOf(first, end, length);
  const wanted = job.summands.map(({ node, peer }): Wanted => {
    return { name: `${stepName(of)}/sum/${node}`, first, end, peer, target: exchange.pool.take(end - first), body };
  });
  const { missing, bytes } = await pullAll(exchange, wanted);
  if (missing.length > 0) return undone(missing);
  const fromMs = performance.now();
  const round = roundingOf({ wire, seed, stage, step: of.step });
  const sums = new TreeAccumulator(leafCount, (node, sum) => round(node, sum, first, length));
  for (const [i, { node }] of job.summands.entries()) sums.add(parseNode(node), wanted[i]!.target);
  const total = sums.total();
  if (!total) throw new AppError("MESSAGE_INVALID", `the summands are not all of ${leafCount} micro-batches`);
  for (const { target } of wanted) if (target !== total) exchange.pool.give(target);
  exchange.keepPooled(sliceName(of, first, end), total, first, length);
  return { outputs: [], metrics: { pulledBytes: bytes }, images: 0, computeMs: performance.now() - fromMs };
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
  const total = exchange.pool.take(sumLength(exchange.model.specs));
  const wanted = job.slices.map(({ first, end, peer }): Wanted => {
    const body = bodyOf(first, end, total.length);
    return {
      name: sliceName(of, first, end),
      first: 0,
      end: end - first,
      peer,
      target: total.subarray(first, end),
      body,
    };
  });
  const covered = wanted.reduce((at, { target }, i) => (job.slices[i]!.first === at ? at + target.length : -1), 0);
  if (covered !== total.length)
    throw new AppError("MESSAGE_INVALID", `the slices are not all of ${total.length} numbers`);
  const { missing, bytes } = await pullAll(exchange, wanted);
  if (missing.length > 0) return undone(missing);
  const fromMs = performance.now();
  const loss = await exchange.update(total, job.hash.includes("values"));
  exchange.pool.give(total);
  const { parts, digest } = exchange.model;
  const others = job.hash.filter((name) => name !== "values");
  const named = others.map((name) => ({ name, bytes: bytesOf(parts[name as StatePart]) }));
  const outputs = [{ name: "values", bytes: bytesOf(parts.values), digest }, ...named];
  const metrics = { loss, pulledBytes: bytes + synced.bytes };
  return { outputs, metrics, images: 0, computeMs: performance.now() - fromMs };
}

/** Partial sums stay here; what goes out is what they are: with a digest where they are audited. */
export function keepSums(
  exchange: WorkerExchange,
  of: Exchange__Output,
  sums: readonly PartialSum[],
): { readonly outputs: JobOutput[]; readonly metrics: WorkMetrics } {
  let defect: string | undefined;
  const outputs = sums.map(({ node, values }) => {
    const name = nodeKey(node);
    const { bytes } = exchange.keep(`${stepName(of)}/sum/${name}`, values);
    const at = notFiniteIndex(values);
    if (at >= 0) defect ??= `sum ${name} is not finite at ${at} of ${values.length}`;
    return { name, bytes, digest: of.hashSums ? sha256(bytes) : "" };
  });
  return { outputs, metrics: defect === undefined ? {} : { notFinite: defect } };
}

function sliceName(of: Exchange__Output, first: number, end: number): string {
  return `${stepName(of)}/slice/${first}-${end}`;
}

/** From all at once; what is held here costs a copy. */
async function pullAll(exchange: WorkerExchange, wanted: readonly Wanted[]) {
  const missing = new Set<string>();
  const { wire, pullPeer } = exchange.deps;
  let bytes = 0;
  const pulls = wanted.map(async ({ name, first, end, peer, target, body }) => {
    const own = exchange.vector(name);
    if (own && end <= own.length) {
      decodeRange(own, first, end, target);
      return;
    }
    const { address = "", workerId = "" } = peer ?? {};
    try {
      const arrived = wire === "f32" ? bytesOf(target) : new Uint8Array(byteOffset(wire, body, target.length));
      const pulled = await pullPeer({ address, name, first, end }, arrived);
      if (wire !== "f32") decodeInto(wire, arrived, body, target);
      bytes += pulled;
    } catch {
      missing.add(workerId);
    }
  });
  await Promise.all(pulls);
  return { missing: [...missing], bytes };
}
