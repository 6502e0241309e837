/** The settings of a training run, kept with it. Of `cluster` only `threads` and `wire` decide the result, all else does. */
import { z } from "zod";
import { methodConfigSchema } from "../shared/config/method.js";
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
  memoryModelMb: z.number().min(0).max(100_000).default(16).meta({
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

export const runConfigSchema = z.strictObject({
  seed: z.int().min(0).max(2_147_483_647).default(0).meta({
    help: "Seed of everything random. Same config, data, seed and engine: same bits.",
  }),
  data: dataSchema.prefault({}),
  method: methodConfigSchema.prefault({}),
  rounds: roundsSchema.prefault({}),
  cluster: clusterSchema.prefault({}),
});

export type RunConfig = z.infer<typeof runConfigSchema>;

/** Environment variables of a run: SEEDGROW_METHOD__SEGMENTER__STEPS=100. */
export const runEnvPrefix = "SEEDGROW";
