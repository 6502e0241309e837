/**
 * One exchange of a training step: every worker has a gradient sum; the coordinator pulls them, adds them along the tree and
 * updates the parameters; every worker pulls those. Workers are processes, all bytes are checked.
 */
import { type ChildProcess, fork } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { pullSum } from "../../coordinator/adapters/pull-floats.js";
import { Scratch } from "../../coordinator/adapters/scratch.js";
import { runConfigSchema } from "../../coordinator/config.js";
import { StageTrainer, steppingModel, type WeightsChange } from "../../coordinator/training.js";
import { byChecksum } from "../../shared/codec/checksum.js";
import { bytesOf, type Digest } from "../../shared/codec/digest.js";
import { nodeKey } from "../../shared/math/tree-sum.js";
import { sumBytes, sumTailFloats, type Wire } from "../../shared/math/wire.js";
import { type BlobPeer, blobBulk, linkTo, pullBlob } from "../../shared/net/blob-lines.js";
import { blobHandlers, MemoryBlobs } from "../../shared/net/blobs.js";
import { clientSecurity, openServer } from "../../shared/net/credentials.js";
import type { Role } from "../../shared/net/identity.js";
import { listenOnOnePort } from "../../shared/net/one-port.js";
import { Blobs } from "../../shared/net/proto.js";
import { trustIn } from "../../shared/net/trust.js";
import { SumMemory } from "../../worker/exchange/sum-memory.js";
import type { JobOutput } from "../../worker/jobs/context.js";
import { sumOutput } from "../../worker/jobs/train.js";
import { WeightsBase } from "../../worker/jobs/weights-base.js";
import { answer, givenWork } from "../lib/answer.js";

interface AverageWork {
  readonly workers: number;
  /** Of the gradient, f32 values. */
  readonly count: number;
  readonly wire: Wire;
}

interface Pulled {
  readonly address: string;
  readonly digest: Digest;
  /** How the parameters follow from those before. */
  readonly change?: WeightsChange | null;
}

const { workers, count, wire } = givenWork<AverageWork>();
const rounding = { wire, seed: 0, stage: { model: "segmenter", round: 1 } };
if (process.send) await work();
else await coordinate();

async function open(blobs: MemoryBlobs, role: Role): Promise<string> {
  const trust = await trustIn("", [role]);
  const server = openServer({ trust, access: { "seedgrow.v1.Blobs": ["worker", "coordinator"] } });
  server.addService(Blobs.service, blobHandlers(blobs));
  const bulk = { blob: { answer: blobBulk(blobs), roles: ["worker", "coordinator"] as const } };
  return (await listenOnOnePort({ address: "127.0.0.1:0", trust, grpcServer: server, bulk })).address;
}

async function reach(address: string, own: Role, other: Role): Promise<BlobPeer> {
  const trust = await trustIn("", [own]);
  const { credentials, options } = clientSecurity(trust, [other], address);
  return { client: new Blobs(address, credentials, options), link: linkTo({ address, trust, roles: [other] }) };
}

/** Offers its gradient anew each time, as after a step; pulls the parameters that it is told of. */
async function work(): Promise<void> {
  const memory = new SumMemory();
  const [gradient] = memory.take(1, count + sumTailFloats) as [Float32Array];
  for (let i = 0; i < count; i++) gradient[i] = ((i * 7919) % 251) / 1e5;
  gradient[count + 1] = 1;
  const blobs = new MemoryBlobs();
  const address = await open(blobs, "worker");
  let coordinator: BlobPeer | null = null;
  const base = new WeightsBase(wire, (digest, room) => pullBlob(coordinator!, digest, { room }));
  const node = { level: 0, index: 0 };
  let held: JobOutput | null = null;
  let step = 0;
  process.on("disconnect", () => process.exit());
  process.on("message", async ({ weights }: { readonly weights: Pulled | null }) => {
    if (weights) {
      coordinator ??= await reach(weights.address, "worker", "coordinator");
      const { digest, change } = weights;
      await base.values(digest, change ? { baseDigest: change.base, digest: change.digest } : null, "segmenter");
    }
    if (held) blobs.delete(held.digest!);
    if (held && wire !== "f32") memory.giveBytes(held.bytes);
    const sum = { node, values: gradient, due: node };
    held = sumOutput({ ...rounding, step: step++ }, sum, true, (bytes) => memory.takeBytes(bytes));
    process.send!({ address, digest: blobs.put(held.bytes, held.digest) } satisfies Pulled);
  });
}

async function coordinate(): Promise<void> {
  const own = fileURLToPath(import.meta.url);
  const children = Array.from({ length: workers }, () => fork(own, process.argv.slice(2)));
  const blobs = new MemoryBlobs();
  const address = await open(blobs, "coordinator");
  const specs = [{ name: "all", shape: [count], learningRateScale: 1, weightDecay: true }];
  const schedule = { learningRate: 1e-4, warmupSteps: 0, schedulePower: 0, steps: 1_000_000 };
  const options = { ...schedule, weightDecay: 1e-3, emaDecay: 0, leafCount: workers };
  const dir = mkdtempSync(join(tmpdir(), "seedgrow-average-"));
  const scratch = new Scratch(dir, runConfigSchema.parse({}).cluster.memoryModelMb * 2 ** 20);
  scratch.enter(count, wire);
  const values = bytesOf(scratch.placedInMemory(new Float32Array(count)).values);
  const start = { values, optimizer: await scratch.moments(count), average: null };
  const trainer = new StageTrainer(specs, steppingModel(specs, start, options), workers, blobs, rounding, byChecksum);
  const offers = await Promise.all(children.map((child) => ask(child, null)));
  const peers = await Promise.all(offers.map((offer) => reach(offer.address, "coordinator", "worker")));
  let offered = offers.map(({ digest }) => digest);
  let step = 0;
  await answer("bulk lines, coordinator in the middle", async () => {
    await Promise.all(
      peers.map(async (peer, leaf) => {
        const bytes = sumBytes(wire, count + sumTailFloats);
        const floats = await pullSum(peer, { digest: offered[leaf]!, bytes }, wire, scratch);
        const sums = [{ name: nodeKey({ level: 0, index: leaf }), floats }];
        const defect = await trainer.inspect(sums, { first: leaf, end: leaf + 1 });
        if (defect) throw new Error(defect.reason);
        trainer.accept(sums);
      }),
    );
    const { weightsDigest } = await trainer.apply(step++);
    const weights = { address, digest: weightsDigest, change: trainer.change };
    const answers = await Promise.all(children.map((child) => ask(child, weights)));
    offered = answers.map(({ digest }) => digest);
    return 1;
  });
  for (const child of children) child.disconnect();
  rmSync(dir, { recursive: true, force: true });
  process.exit();
}

function ask(child: ChildProcess, weights: Pulled | null): Promise<Pulled> {
  return new Promise((resolve) => {
    child.once("message", resolve as never);
    child.send({ weights });
  });
}
