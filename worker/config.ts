/** Settings of a worker process: flags of `seedgrow worker`, or SEEDGROW_WORKER_* variables. */
import { z } from "zod";

export const workerConfigSchema = z.strictObject({
  nats: z
    .string()
    .default("nats://127.0.0.1:4222")
    .meta({ help: "Address of the NATS server: all a worker has to know." }),
  engine: z.enum(["auto", "tensorflow"]).default("auto").meta({ help: "Compute engine." }),
  threads: z.int().min(1).max(256).default(1).meta({
    help: "Threads inside one operation. Results are bit-equal only between workers of equal thread count; several one-thread workers use a CPU better than one worker with many threads.",
  }),
  listen: z
    .string()
    .default("127.0.0.1:0")
    .meta({ help: "host:port of the worker's gRPC server; port 0 is a free one." }),
  advertise: z
    .string()
    .default("")
    .meta({ help: "host:port under which the coordinator reaches this worker, when it differs from --listen." }),
  data: z.string().default("").meta({ help: "Folder with the same photos on this machine: read instead of pulled." }),
  cache: z.string().default("").meta({ help: "Folder for pulled photos. Default: $XDG_CACHE_HOME/seedgrow/blobs." }),
  memoryMb: z.int().min(16).max(1_000_000).default(1024).meta({ help: "Decoded photos held in memory, MB." }),
  id: z
    .string()
    .regex(/^[A-Za-z0-9_-]{0,60}$/)
    .default("")
    .meta({ help: "Name of the worker. Default: host and pid." }),
});

export type WorkerConfig = z.infer<typeof workerConfigSchema>;

/** Environment variables of a worker: SEEDGROW_WORKER_MEMORY_MB=4096. */
export const workerEnvPrefix = "SEEDGROW_WORKER";
