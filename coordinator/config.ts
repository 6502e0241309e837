/**
 * The settings of a training run, kept with it. Of `cluster` only `threads`, `wire`, and `sync` with the settings of local steps
 * decide the result; all else does.
 */
import { z } from "zod";
import { methodConfigSchema } from "../shared/config/method.js";
import { minedRounds } from "../shared/config/rounds.js";
import { localStepsMax } from "../shared/limits.js";
import { wires } from "../shared/math/wire.js";

const dataSchema = z.strictObject({
  brokenShareMax: z.number().min(0).max(1).default(0.05).meta({
    help: "Share of unreadable images that is tolerated (they are listed and left out); beyond it the run does not start.",
  }),
  shardImages: z.int().min(1).max(1000).default(12).meta({
    help: "Images per shard, the unit of seeding, refining and evaluating. Smaller spreads better over many workers.",
  }),
});

const roundsSchema = z.strictObject({
  changedShareMin: z.number().min(0).max(1).default(0).meta({
    help: "End the rounds when fewer label pixels than this share change in one; 0: always run method.rounds.",
  }),
  driftShareMax: z.number().min(0).max(1).default(0.33).meta({
    help: "A mining round after the first that changes more than this share of what the one before it changed does not converge: its labels are refused. 1: take all.",
  }),
});

const clusterSchema = z.strictObject({
  workersMin: z.int().min(1).max(10_000).default(1).meta({
    help: "Fewer live workers than this pause the run until they are back.",
  }),
  workersMax: z.int().min(1).max(10_000).default(4_096).meta({
    help: "More workers than this are not taken in; those that wait take the place of one that leaves.",
  }),
  topology: z.enum(["star", "sharded"]).default("star").meta({
    help: "Who sums gradients and holds the model while it is trained. star: the coordinator. sharded: the workers, which pull slices from each other, so that the coordinator's work does not grow with the model or the workers; they must reach each other. Changes no bit.",
  }),
  wire: z.enum(wires).default("f32").meta({
    help: "How gradient sums and the changes of parameters travel: f32 as they are, bf16 in half the bytes, int8 in 26 % (blocks of 32 with a common scale). The last two round at random, right on average. Changes the bits of the result, so that a run keeps it.",
  }),
  sync: z.enum(["step", "local"]).default("step").meta({
    help: "step: gradients are summed in every step. local: replicas of the model take cluster.localSteps steps each, then the coordinator averages what they have moved by (DiLoCo): for slow links. Changes the result, which is the same for any number of workers all the same.",
  }),
  localSteps: z.int().min(1).max(localStepsMax).default(16).meta({
    help: "local: steps of a replica between two averages; the last ones of a stage may be fewer.",
  }),
  localReplicas: z.int().min(0).max(1024).default(0).meta({
    help: "local: replicas, among which the micro-batches of a step are divided equally: the most workers that can share a stage. Part of the result, unlike the worker count. 0: one for each micro-batch.",
  }),
  outerLearningRate: z.number().positive().max(10).default(1).meta({
    help: "local: what the mean of the replicas' moves is multiplied by; with outerMomentum 0, 1 is their plain average. DiLoCo's paper has 0.7.",
  }),
  outerMomentum: z.number().min(0).max(0.999).default(0).meta({
    help: "local: Nesterov's momentum of these moves. The paper has 0.9, which hurts a stage of less than some dozens of averages (docs/DECISIONS.md).",
  }),
  memoryModelMb: z.number().min(0).max(100_000).default(64).meta({
    help: "Gradients and moments of a model of at most this size (MB, of 2^20 bytes) lie in the coordinator's memory, of a larger one in files without a name below the run's folder. Changes no bit.",
  }),
  allowMixed: z.boolean().default(false).meta({
    help: "Take workers with another engine, version or thread count: results are then no longer reproducible bit by bit.",
  }),
  listen: z.string().default("127.0.0.1:0").meta({
    help: "host:port of the coordinator's gRPC server; workers elsewhere need an address they can reach.",
  }),
  advertise: z.string().default("").meta({
    help: "host:port told to workers, when it differs from cluster.listen; port 0: the one that cluster.listen got.",
  }),
  certs: z.string().default("").meta({
    help: "Folder of this machine's certificate (`seedgrow certs add`, role coordinator): mutual TLS with workers and NATS. Empty: $SEEDGROW_CERTS, else none.",
  }),
  insecure: z.boolean().default(false).meta({
    help: "Allow addresses off loopback without certificates: whoever reaches them can read and command everything.",
  }),
  replicas: z.int().min(0).max(5).default(0).meta({
    help: "Servers of a NATS cluster that keep leases, status, events and labels. 0: three where the server belongs to a cluster of three or more, else one.",
  }),
  checkpointSteps: z.int().min(0).max(1_000_000).default(50).meta({
    help: "Steps between two checkpoints inside a training phase: what a killed coordinator loses at most. 0: only at the end of phases.",
  }),
  audit: z.number().min(0).max(1).default(0).meta({
    help: "Share of the gradient work that two workers compute and the coordinator compares bit for bit; a third decides who is wrong. Needs two workers at least.",
  }),
  threads: z.int().min(1).max(256).default(1).meta({
    help: "Threads per operation of the workers that --local starts. Changes the bits of the result.",
  }),
});

const runShape = z.strictObject({
  seed: z.int().min(0).max(2_147_483_647).default(0).meta({
    help: "Seed of everything random. Same config, data, seed and engine: same bits.",
  }),
  data: dataSchema.prefault({}),
  method: methodConfigSchema.prefault({}),
  rounds: roundsSchema.prefault({}),
  cluster: clusterSchema.prefault({}),
});

export type RunConfig = z.infer<typeof runShape>;

/** What has no meaning together is refused before anything begins. */
export const runConfigSchema = runShape.superRefine((config, context) => {
  for (const { path, message } of [...localProblems(config), ...mathProblems(config)])
    context.addIssue({ code: "custom", path: [...path], message });
});

interface Problem {
  readonly path: readonly string[];
  readonly message: string;
}

/** What is not compiled would be float32 without a word. */
function mathProblems({ method: { math, refine } }: RunConfig): Problem[] {
  if (math === "f32" || refine.updater !== "mcof") return [];
  const message =
    "is for steps of one shape, which refine.updater mcof has none of: each photo has superpixels of its own";
  return [{ path: ["method", "math"], message }];
}

function localProblems({ method, cluster }: RunConfig): Problem[] {
  const { sync, topology, localSteps, localReplicas } = cluster;
  if (sync !== "local") return [];
  const problems: Problem[] = [];
  if (topology === "sharded") {
    const message = "sums the gradients of every step, which cluster.sync local has none of: use star";
    problems.push({ path: ["cluster", "topology"], message });
  }
  for (const [name, stage] of Object.entries(stagesOf(method))) {
    const { microBatches, steps } = stage;
    if (microBatches % Math.max(1, localReplicas) !== 0) {
      const message = `${microBatches} micro-batches cannot be divided equally among cluster.localReplicas = ${localReplicas}`;
      problems.push({ path: ["method", name, "microBatches"], message });
    }
    if (steps < localSteps) {
      const message = `is more than the ${steps} steps of method.${name}: its replicas would be averaged once, at the end`;
      problems.push({ path: ["cluster", "localSteps"], message });
    }
  }
  return problems;
}

/** Those that are trained. */
function stagesOf(method: RunConfig["method"]) {
  const { classifier, segmenter, mining } = method;
  return minedRounds(method) > 0 ? { classifier, mining, segmenter } : { classifier, segmenter };
}

/** Environment variables of a run: SEEDGROW_METHOD__SEGMENTER__STEPS=100. */
export const runEnvPrefix = "SEEDGROW";
