/**
 * How many servers of a NATS cluster keep what is written to JetStream: three where there are three, so that one of them may
 * die at any time; one where there is one.
 */
import { ErrorCode, NatsError } from "nats";
import { AppError } from "../errors.js";
import type { Bus } from "./bus.js";
import { eventStream, labelBucket, leaseBucket, runBucket } from "./subjects.js";

/** More cost writes and save nothing: the second loss at a time stops a cluster of three. */
const replicasInCluster = 3;
/** nats-server: "no suitable peers for placement", "replicas > 1 not supported in non-clustered mode". */
const tooFewServers = [10005, 10074];

/** As set, else as the server says of itself. */
export function wantedReplicas({ replicas, connection }: Bus): number {
  return replicas || (connection.info?.cluster ? replicasInCluster : 1);
}

/**
 * Opens a store that is made where it is missing: with as many copies as are wanted, or with one where the cluster is
 * smaller and nobody insists. @throws AppError BROKER_UNREACHABLE when JetStream does not answer, CONFIG_INVALID
 */
export async function replicated<T>(bus: Bus, open: (replicas: number) => Promise<T>): Promise<T> {
  const wanted = wantedReplicas(bus);
  try {
    return await open(wanted).catch((error: unknown) => {
      if (wanted === 1 || bus.replicas !== 0 || !isTooFew(error)) throw error;
      return open(1);
    });
  } catch (error) {
    throw storeProblem(error, bus);
  }
}

/** What a smaller cluster, or an earlier one, has made gets its copies. Best effort: a run works without. */
export async function settleReplicas(bus: Bus): Promise<void> {
  const manager = await bus.connection.jetstreamManager();
  const wanted = wantedReplicas(bus);
  for (const stream of [eventStream, `KV_${leaseBucket}`, `KV_${runBucket}`, `OBJ_${labelBucket}`]) {
    const held = await manager.streams.info(stream).catch(() => null);
    const isSettled = held === null || held.config.num_replicas === wanted;
    if (isSettled || (bus.replicas === 0 && held.config.num_replicas > wanted)) continue;
    await manager.streams.update(stream, { num_replicas: wanted }).catch(() => undefined);
  }
}

function isTooFew(error: unknown): boolean {
  return error instanceof NatsError && tooFewServers.includes(error.api_error?.err_code ?? 0);
}

function storeProblem(error: unknown, bus: Bus): unknown {
  if (isTooFew(error)) {
    return new AppError("CONFIG_INVALID", `cluster.replicas=${bus.replicas}: NATS has fewer servers with JetStream`, {
      hint: "Start the others, or leave it at 0: as many as there are.",
      cause: error,
    });
  }
  const silent: string[] = [ErrorCode.Timeout, ErrorCode.NoResponders, ErrorCode.JetStreamNotEnabled];
  if (!(error instanceof NatsError) || !silent.includes(error.code)) return error;
  return new AppError("BROKER_UNREACHABLE", `JetStream does not answer at ${bus.url}`, {
    hint: "Start nats-server with -js. Of a cluster, more than half of the servers must be up.",
    cause: error,
  });
}
