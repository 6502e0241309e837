/**
 * Leases on workers in the bus's key-value store: one entry per worker, created by whoever takes it, gone when it is
 * not renewed. The entry's revision at creation is the fencing token (docs/ARCHITECTURE.md).
 */
import type { KV } from "nats";
import { AppError } from "../../shared/errors.js";
import { leaseMs } from "../../shared/limits.js";
import { type Bus, parseJson } from "../../shared/net/bus.js";
import { leaseBucket } from "../../shared/net/subjects.js";

interface Held {
  readonly token: number;
  /** Revision of the last renewal: a renewal by anybody else in between makes ours fail. */
  revision: number;
}

export class Leases {
  private readonly held = new Map<string, Held>();

  private constructor(
    private readonly kv: KV,
    private readonly owner: { readonly runId: string; readonly coordinatorId: string },
  ) {}

  static async open(bus: Bus, owner: { runId: string; coordinatorId: string }): Promise<Leases> {
    const kv = await bus.connection.jetstream().views.kv(leaseBucket, { ttl: leaseMs });
    return new Leases(kv, owner);
  }

  /** @throws AppError LEASE_LOST when another run holds the worker. */
  async take(workerId: string): Promise<number> {
    const value = Buffer.from(JSON.stringify(this.owner));
    const entry = await this.kv.get(workerId);
    const holder = entry && entry.operation === "PUT" ? (parseJson(entry.value) as { runId?: string } | null) : null;
    // Our own entry: left by the coordinator that this one resumes, or by an earlier attach.
    if (entry && holder && holder.runId !== this.owner.runId) {
      throw new AppError("LEASE_LOST", `worker ${workerId} is leased by run ${holder.runId}`);
    }
    const revision = entry
      ? await this.kv.update(workerId, value, entry.revision)
      : await this.kv.create(workerId, value);
    this.held.set(workerId, { token: revision, revision });
    return revision;
  }

  token(workerId: string): number {
    return this.held.get(workerId)?.token ?? 0;
  }

  /** Renews every lease; returns the workers whose lease somebody else has taken. An unreachable bus is not that. */
  async renew(): Promise<string[]> {
    const value = Buffer.from(JSON.stringify(this.owner));
    const lost: string[] = [];
    for (const [workerId, held] of this.held) {
      try {
        held.revision = await this.kv.update(workerId, value, held.revision);
      } catch (error) {
        if (await this.isTaken(workerId, error)) lost.push(workerId);
      }
    }
    return lost;
  }

  async release(workerId: string): Promise<void> {
    if (!this.held.delete(workerId)) return;
    await this.kv.delete(workerId).catch(() => undefined);
  }

  async releaseAll(): Promise<void> {
    await Promise.all([...this.held.keys()].map((workerId) => this.release(workerId)));
  }

  /** A failed update means "taken" only when the entry names somebody else; one that has expired is made anew. */
  private async isTaken(workerId: string, error: unknown): Promise<boolean> {
    if (!String(error).includes("wrong last sequence")) return false;
    const entry = await this.kv.get(workerId).catch(() => null);
    if (!entry) {
      const revision = await this.kv.create(workerId, Buffer.from(JSON.stringify(this.owner))).catch(() => 0);
      const held = this.held.get(workerId);
      if (held && revision > 0) held.revision = revision;
      return false;
    }
    return (parseJson(entry.value) as { coordinatorId?: string } | null)?.coordinatorId !== this.owner.coordinatorId;
  }
}
