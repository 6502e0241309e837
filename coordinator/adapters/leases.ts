/**
 * Leases on workers in the bus's key-value store: one entry per worker, created by whoever takes it, gone when it is
 * not renewed. What an entry means is decided in core/leases.ts; the revision at which it was taken, with the store's
 * creation time before it, is the fencing token. A store that lost its data is filled again: workers keep obeying the
 * token they know, and the next one to be taken is newer, because the store is.
 */
import type { KV, KvEntry } from "nats";
import { AppError } from "../../shared/errors.js";
import { leaseMs } from "../../shared/limits.js";
import { type Bus, parseJson } from "../../shared/net/bus.js";
import { replicated } from "../../shared/net/replicas.js";
import { leaseBucket } from "../../shared/net/subjects.js";
import { decideRenewal, decideTake, type LeaseEntry, type LeaseOwner, leaseOwnerSchema } from "../core/leases.js";

export interface FencingToken {
  readonly token: number;
  /** When the store was created, milliseconds since 1970. */
  readonly generation: number;
}

export interface LostLease {
  readonly workerId: string;
  readonly reason: string;
}

interface Held {
  /** Of the last renewal: a renewal by anybody else in between makes ours fail. */
  revision: number;
}

/** A renewal that takes longer than the pause between two is not worth waiting for. */
const requestTimeoutMs = leaseMs / 3;

export class Leases {
  private readonly held = new Map<string, Held>();
  private readonly value: Uint8Array;
  private isRenewing = false;

  private constructor(
    private readonly bus: Bus,
    private kv: KV,
    private readonly owner: LeaseOwner,
    /** Another coordinator of the run is at work. */
    private readonly onSuperseded: (reason: string) => void,
  ) {
    this.value = Buffer.from(JSON.stringify(owner));
  }

  static async open(bus: Bus, owner: LeaseOwner, onSuperseded: (reason: string) => void): Promise<Leases> {
    return new Leases(bus, await openBucket(bus), owner, onSuperseded);
  }

  /** @throws AppError LEASE_LOST when somebody else holds the worker. */
  async take(workerId: string): Promise<FencingToken> {
    // Also makes the bucket anew when the bus has lost it.
    this.kv = await openBucket(this.bus);
    const { streamInfo } = await this.kv.status();
    const decision = decideTake(entryOf(await this.kv.get(workerId)), this.owner);
    if (decision.kind === "superseded") this.onSuperseded(decision.reason);
    if (decision.kind === "taken" || decision.kind === "superseded") {
      throw new AppError("LEASE_LOST", `cannot lease worker ${workerId}: ${decision.reason}`);
    }
    const revision =
      decision.kind === "create"
        ? await this.kv.create(workerId, this.value)
        : await this.kv.update(workerId, this.value, decision.revision);
    this.held.set(workerId, { revision });
    return { token: revision, generation: Date.parse(String(streamInfo.created)) };
  }

  /** Renews every lease; returns those that somebody else has taken. An unreachable bus is not that. */
  async renew(): Promise<LostLease[]> {
    if (this.isRenewing) return [];
    this.isRenewing = true;
    try {
      const reasons = await Promise.all([...this.held].map(([workerId, held]) => this.renewOne(workerId, held)));
      return reasons.filter((lost): lost is LostLease => lost !== null);
    } finally {
      this.isRenewing = false;
    }
  }

  async release(workerId: string): Promise<void> {
    const held = this.held.get(workerId);
    if (!held) return;
    this.held.delete(workerId);
    // Only our own entry: by now somebody else may hold the worker.
    await this.kv.delete(workerId, { previousSeq: held.revision }).catch(() => undefined);
  }

  async releaseAll(): Promise<void> {
    await Promise.all([...this.held.keys()].map((workerId) => this.release(workerId)));
  }

  private async renewOne(workerId: string, held: Held): Promise<LostLease | null> {
    try {
      held.revision = await this.kv.update(workerId, this.value, held.revision);
      return null;
    } catch (error) {
      if (String(error).includes("wrong last sequence")) return this.look(workerId, held).catch(() => null);
      // The bus is away, or came back without its data.
      await this.recreate(workerId, held).catch(() => undefined);
      return null;
    }
  }

  /** The entry is not as we left it. */
  private async look(workerId: string, held: Held): Promise<LostLease | null> {
    const decision = decideRenewal(entryOf(await this.kv.get(workerId)), this.owner);
    if (this.held.get(workerId) !== held) return null;
    switch (decision.kind) {
      case "held":
        held.revision = decision.revision;
        return null;
      case "recreate":
        await this.recreate(workerId, held).catch(() => undefined);
        return null;
      case "superseded":
        this.onSuperseded(decision.reason);
        return { workerId, reason: decision.reason };
      case "taken":
        return { workerId, reason: decision.reason };
    }
  }

  private async recreate(workerId: string, held: Held): Promise<void> {
    const kv = await openBucket(this.bus);
    if (this.held.get(workerId) !== held) return;
    this.kv = kv;
    held.revision = await kv.create(workerId, this.value);
  }
}

function openBucket(bus: Bus): Promise<KV> {
  const { views } = bus.connection.jetstream({ timeout: requestTimeoutMs });
  return replicated(bus, (replicas) => views.kv(leaseBucket, { ttl: leaseMs, replicas }));
}

function entryOf(entry: KvEntry | null): LeaseEntry | null {
  if (!entry) return null;
  const owner = entry.operation === "PUT" ? (leaseOwnerSchema.safeParse(parseJson(entry.value)).data ?? null) : null;
  return { owner, revision: entry.revision };
}
