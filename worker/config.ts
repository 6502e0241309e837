/** Settings of a worker process: flags of `seedgrow worker`, or SEEDGROW_WORKER_* variables. */
import { z } from "zod";
import { engineChoices } from "../shared/engine-name.js";
import { faultPattern } from "./simulated/options.js";

/** A port alone is read as a number. */
const portOrAddress = z
  .union([z.string(), z.int().min(0).max(65_535)])
  .transform(String)
  .default("");

export const workerConfigSchema = z.strictObject({
  nats: z
    .string()
    .default("nats://127.0.0.1:4222")
    .meta({ help: "Address of the NATS server: all a worker has to know." }),
  engine: z
    .enum([...engineChoices, "simulated"])
    .default("auto")
    .meta({
      help: "Compute engine. auto: tensorflow where it is installed, else wasm, which needs nothing but Node. simulated: sleeps, and answers with hashes; for trying out a cluster, never chosen by auto (docs/ENGINES.md).",
    }),
  threads: z.int().min(1).max(256).default(1).meta({
    help: "Threads inside one operation, and of an update of a large model. With tensorflow, results are bit-equal only between workers of equal thread count; several one-thread workers use a CPU better than one worker with many threads.",
  }),
  gpu: z
    .union([z.string(), z.int().min(0)])
    .transform(String)
    .default("")
    .meta({ help: "webgpu: which GPU, by index or a part of its name. Default: SEEDGROW_GPU, else the strongest." }),
  listen: z
    .string()
    .default("127.0.0.1:0")
    .meta({ help: "host:port that the worker listens at; port 0 is a free one." }),
  advertise: z.string().default("").meta({
    help: "host:port under which the coordinator reaches this worker, when it differs from --listen; port 0: the one that --listen got.",
  }),
  push: z.boolean().default(false).meta({
    help: "Nobody can dial this worker (NAT, a firewall): it calls the coordinator, whose commands come back through that call.",
  }),
  certs: z.string().default("").meta({
    help: "Folder of this machine's certificate (`seedgrow certs add`): mutual TLS with the coordinator and NATS. Default: $SEEDGROW_CERTS, else none.",
  }),
  insecure: z.boolean().default(false).meta({
    help: "Allow addresses off loopback without certificates: whoever reaches them can read and command everything.",
  }),
  data: z.string().default("").meta({
    help: "Folder with the same photos on this machine, or s3://BUCKET/PREFIX: read there instead of pulled.",
  }),
  cache: z
    .string()
    .default("")
    .meta({ help: "Folder for pulled photos and, in pixels/, decoded ones. Default: $XDG_CACHE_HOME/seedgrow/blobs." }),
  memoryMb: z.int().min(16).max(1_000_000).default(1024).meta({ help: "Decoded photos held in memory, MB." }),
  diskMb: z.int().min(0).max(100_000_000).default(4096).meta({
    help: "Decoded photos kept in the cache folder, MB, all workers that share it together: read where memory is too small, after a restart and by later runs. 0: none.",
  }),
  simulatedImageMs: z.number().min(0).max(3_600_000).default(20).meta({
    help: "simulated: pretended time per image and pass, milliseconds.",
  }),
  simulatedJitter: z.number().min(0).max(1).default(0.2).meta({ help: "simulated: share by which that time varies." }),
  simulatedParams: z.int().min(0).max(250_000_000).default(0).meta({
    help: "simulated: parameters of each model; 0: those of the built-in network. Part of the result.",
  }),
  simulatedFault: z
    .string()
    .regex(faultPattern, "nan, lie, hang or slow, perhaps with @classifier or @round-N")
    .default("")
    .meta({
      help: "simulated: what this worker does wrong with gradients: nan, lie, hang or slow, perhaps with @classifier or @round-N.",
    }),
  metrics: portOrAddress.meta({ help: "PORT or HOST:PORT of Prometheus metrics; without it: none." }),
  health: portOrAddress.meta({
    help: "PORT or HOST:PORT where the standard gRPC health service, and nothing else, answers without certificates: for probes.",
  }),
  otlp: z
    .string()
    .default("")
    .meta({ help: "Address of an OpenTelemetry collector (OTLP over HTTP); without it: no traces." }),
  id: z
    .string()
    .regex(/^[A-Za-z0-9_-]{0,60}$/)
    .default("")
    .meta({ help: "Name of the worker. Default: host and pid." }),
});

export type WorkerConfig = z.infer<typeof workerConfigSchema>;

/** Environment variables of a worker: SEEDGROW_WORKER_MEMORY_MB=4096. */
export const workerEnvPrefix = "SEEDGROW_WORKER";
