/**
 * One exchange of a training step with `cluster.topology: sharded`: every worker has a gradient sum; each adds a slice of
 * all of them, and all update their copy of the parameters. Workers are processes that pull from each other; who
 * tells them what to do moves no number.
 */
import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { runConfigSchema } from "../../coordinator/config.js";
import { sliceRange } from "../../coordinator/core/exchange-state.js";
import { bytesOf, sha256 } from "../../shared/codec/digest.js";
import type { ApplyJob__Output } from "../../shared/gen/seedgrow/v1/ApplyJob.js";
import type { Exchange__Output } from "../../shared/gen/seedgrow/v1/Exchange.js";
import type { ReduceJob__Output } from "../../shared/gen/seedgrow/v1/ReduceJob.js";
import { nodeKey } from "../../shared/math/tree-sum.js";
import { sumTailFloats, type Wire } from "../../shared/math/wire.js";
import { openServer } from "../../shared/net/credentials.js";
import { listenOnOnePort } from "../../shared/net/one-port.js";
import { vectorBulk } from "../../shared/net/peers.js";
import { trustIn } from "../../shared/net/trust.js";
import { peerRoles, workerAccess } from "../../worker/access.js";
import { PeerLinks } from "../../worker/adapters/peer-links.js";
import { WorkerExchange } from "../../worker/exchange/exchange.js";
import type { JobContext, JobResult } from "../../worker/jobs/context.js";
import { applyJob, keepSums, reduceJob } from "../../worker/jobs/exchange.js";
import { answer, answerEach, givenWork } from "../lib/answer.js";

interface ShardedWork {
  readonly workers: number;
  /** Of the gradient, f32 values. */
  readonly count: number;
  readonly wire: Wire;
  /** Exchanges per second, or per gigabyte that a worker pulls. */
  readonly per: "second" | "gigabyte";
}

interface Command {
  readonly rank: number;
  readonly of: Exchange__Output;
  readonly weights: string;
  readonly reduce?: ReduceJob__Output;
  readonly apply?: ApplyJob__Output;
}

interface Reply {
  readonly address: string;
  readonly weights: string;
  /** From the other workers. */
  readonly pulledBytes: number;
}

const { workers, count, wire, per } = givenWork<ShardedWork>();
const runId = "bench";
const stage = { model: "segmenter", round: 1 } as const;
if (process.send) await work();
else await lead();

async function work(): Promise<void> {
  const gradient = Float32Array.from({ length: count + sumTailFloats }, (_, i) => ((i * 7919) % 251) / 1e5);
  gradient[count + 1] = 1;
  const trust = await trustIn("", ["worker"]);
  const peers = new PeerLinks({ runId, trust, isInsecure: false });
  const { method } = runConfigSchema.parse({});
  // The learning rate never falls to nothing, where an update would be skipped.
  const endless = { ...method, segmenter: { ...method.segmenter, steps: 1_000_000 } };
  const specs = [{ name: "all", shape: [count], learningRateScale: 1, weightDecay: true }];
  const exchange = new WorkerExchange({
    method: { ...endless, mining: { ...method.mining, rounds: 0 } },
    ...{ seed: 0, wire },
    pullBlob: async (digest) => (digest === "specs" ? Buffer.from(JSON.stringify(specs)) : new Uint8Array(count * 4)),
    pullPeer: (range, target) => peers.pull(range, target),
    aheadLines: peers.ahead,
  });
  const server = openServer({ trust, access: workerAccess });
  const vectors = vectorBulk({ vector: (_, name) => exchange.vector(name) });
  const bulk = { vector: { answer: vectors, roles: peerRoles } };
  const { address } = await listenOnOnePort({ address: "127.0.0.1:0", trust, grpcServer: server, bulk });
  const context = { exchange } as JobContext;
  process.on("disconnect", () => process.exit());
  const perform = async ({ rank, of, weights, reduce, apply }: Command): Promise<JobResult | null> => {
    if (reduce) return reduceJob(context, stage, of, reduce);
    if (apply) return applyJob(context, stage, weights, of, apply);
    // As if just computed, and handed over by the compute thread.
    const leaf = { level: 0, index: rank };
    exchange.enter(of);
    await exchange.begin(of, stage, weights);
    keepSums(exchange, of, stage, "", [{ node: leaf, values: gradient, due: leaf }], () => undefined);
    return null;
  };
  process.on("message", async (command: Command) => {
    const result = await perform(command);
    const weights = result?.outputs[0]?.digest ?? command.weights;
    process.send!({ address, weights, pulledBytes: result?.metrics.pulledBytes ?? 0 } satisfies Reply);
  });
}

async function lead(): Promise<void> {
  const own = fileURLToPath(import.meta.url);
  const children = Array.from({ length: workers }, () => fork(own, process.argv.slice(2)));
  let weights = sha256(bytesOf(new Float32Array(count)));
  const of = (step: number): Exchange__Output => {
    const point = [{ name: "values", digest: "values", bytes: count * 4 }];
    return { phase: "bench", step, specsDigest: "specs", holders: [], point, hashSums: false };
  };
  const offers = await Promise.all(children.map((child, rank) => ask(child, { rank, of: of(0), weights })));
  const peerOf = (rank: number) => ({ workerId: String(rank), address: offers[rank]!.address });
  const slices = children.map((_, rank) => ({
    ...sliceRange(rank, workers, count + sumTailFloats),
    peer: peerOf(rank),
  }));
  const summands = children.map((_, rank) => ({
    node: nodeKey({ level: 0, index: rank }),
    peer: peerOf(rank),
    key: "",
  }));
  let step = 0;
  const all = (order: (rank: number) => Pick<Command, "reduce" | "apply">) => {
    return Promise.all(children.map((child, rank) => ask(child, { rank, of: of(step), weights, ...order(rank) })));
  };
  /** Returns the bytes that all workers have pulled. */
  const exchangeOnce = async (): Promise<number> => {
    await all(() => ({}));
    const reduced = await all((rank) => {
      const { first, end } = slices[rank]!;
      return { reduce: { first, end, length: count + sumTailFloats, leafCount: workers, summands } };
    });
    const applied = await all(() => ({ apply: { slices, hash: [] } }));
    const arrived = new Set(applied.map((reply) => reply.weights));
    if (arrived.size !== 1) throw new Error("workers arrived at different parameters");
    weights = applied[0]!.weights;
    step++;
    return [...reduced, ...applied].reduce((sum, { pulledBytes }) => sum + pulledBytes, 0);
  };
  const version = "bulk lines from worker to worker";
  if (per === "gigabyte") await answerEach(version, async () => (1e9 * workers) / (await exchangeOnce()));
  else await answer(version, async () => Math.sign(await exchangeOnce()));
  for (const child of children) child.disconnect();
  process.exit();
}

function ask(child: ChildProcess, command: Command): Promise<Reply> {
  return new Promise((resolve) => {
    child.once("message", resolve as never);
    child.send(command);
  });
}
