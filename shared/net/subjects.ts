/** Names on the bus (NATS) and what travels under them. Tensors never do. */
import { z } from "zod";

export const subjects = {
  /** Worker -> all, every beatIntervalMs: a WorkerBeat. */
  beat: "seedgrow.worker.beat",
  /** Anybody -> workers: "advertise yourselves now". */
  discover: "seedgrow.worker.discover",
  /** Coordinator -> event log (JetStream), one RunEventRecord each. */
  event: (runId: string) => `seedgrow.run.${runId}.event`,
  /** Request to a run's coordinator: does it live? Viewers may ask. */
  ping: (runId: string) => `seedgrow.run.${runId}.ping`,
  /** Request to a run's coordinator: a ControlRequest. Viewers may not. */
  control: (runId: string) => `seedgrow.run.${runId}.control`,
  /** Coordinator -> workers: a Announcement. */
  announce: (runId: string) => `seedgrow.run.${runId}.announce`,
  allEvents: "seedgrow.run.*.event",
} as const;

export const eventStream = "SEEDGROW_EVENTS";
/** Key-value bucket: worker id -> lease. The entry's revision is the fencing token. */
export const leaseBucket = "seedgrow_leases";
/** Key-value bucket: run id -> RunStatus. */
export const runBucket = "seedgrow_runs";
/** Object store: label packs by digest. */
export const labelBucket = "seedgrow_labels";

export const workerBeatSchema = z.object({
  workerId: z.string(),
  protocolVersion: z.int(),
  seedgrowVersion: z.string(),
  host: z.string(),
  pid: z.int(),
  /** host:port of the worker's gRPC server. */
  address: z.string(),
  engine: z.string(),
  device: z.string(),
  /** What bit-exactness depends on: engine, versions, threads, math mode. */
  fingerprint: z.string(),
  threads: z.int(),
  /** The run that holds it. */
  leasedBy: z.string().nullable(),
  /** "draining": it finishes its piece of work, takes no new one, and ends. */
  state: z.enum(["ready", "draining"]).default("ready"),
  /** Resident memory, bytes. */
  rssBytes: z.number(),
  /** Live tensors after the last piece of training: constant, or something leaks. */
  tensors: z.number().optional(),
  /** How often its engine was lost since the process began, and why the last time; it starts it again by itself. */
  engineLosses: z.object({ count: z.int(), reason: z.string() }).optional(),
});
export type WorkerBeat = z.infer<typeof workerBeatSchema>;

export const controlRequestSchema = z.object({ op: z.literal("stop") });
export type ControlRequest = z.infer<typeof controlRequestSchema>;

export const announcementSchema = z.object({
  kind: z.literal("labels-published"),
  version: z.int(),
  /** Blob that lists the packs. */
  digest: z.string(),
});
export type Announcement = z.infer<typeof announcementSchema>;

/** One line of the event log. `kind` and `reason` are stable words; the rest depends on the kind. */
export const runEventRecordSchema = z.looseObject({
  at: z.string(),
  runId: z.string(),
  kind: z.string(),
});
export type RunEventRecord = z.infer<typeof runEventRecordSchema>;

export const runStatusSchema = z.object({
  runId: z.string(),
  runDir: z.string(),
  state: z.enum(["running", "waiting", "stopping", "done", "failed", "stopped"]),
  /** Why it is in this state. */
  reason: z.string(),
  phase: z.string(),
  round: z.int(),
  rounds: z.int(),
  /** Units done in the phase: steps, or shards. */
  done: z.int(),
  total: z.int(),
  /** Where replicas take local steps: the outer round under way, and how many of its replicas are in. */
  outer: z
    .object({ round: z.int(), rounds: z.int(), replicasDone: z.int(), replicas: z.int() })
    .nullable()
    .default(null),
  imagesPerSecond: z.number(),
  etaSeconds: z.number().nullable(),
  loss: z.number().nullable(),
  miou: z.number().nullable(),
  workers: z.array(
    z.object({
      workerId: z.string(),
      host: z.string(),
      state: z.string(),
      imagesPerSecond: z.number(),
      /** Share of its busy time that went into waiting for data, 0..1. */
      waitShare: z.number(),
      engine: z.string().default(""),
      device: z.string().default(""),
      /** Resident memory, bytes. */
      rssBytes: z.number().nullable().default(null),
      /** ISO 8601 of its last beat; null: none was heard. */
      beatAt: z.string().nullable().default(null),
    }),
  ),
  updatedAt: z.string(),
});
export type RunStatus = z.infer<typeof runStatusSchema>;
