/** A simulated coordinator's leases: coordinator/adapters/leases.ts with the waiting made explicit. */
import { decideRenewal, decideTake, type LeaseEntry, type LeaseOwner } from "../../coordinator/core/leases.js";
import type { LeaseClaim } from "../../worker/core/session.js";
import type { Env } from "./env.js";
import type { StoredEntry } from "./store.js";
import type { Process } from "./world.js";

interface Held {
  revision: number;
}

export interface LeaseNews {
  /** A newer coordinator of the run is at work. */
  readonly onSuperseded: (reason: string) => void;
  readonly onLost: (workerId: string, reason: string) => void;
}

export class SimLeases {
  private readonly held = new Map<string, Held>();
  private readonly value: string;

  constructor(
    private readonly env: Env,
    private readonly process: Process,
    private readonly me: LeaseOwner,
    private readonly news: LeaseNews,
  ) {
    this.value = JSON.stringify(me);
  }

  take(workerId: string, lost: (reason: string) => void, taken: (claim: LeaseClaim) => void): void {
    const { bus } = this.env;
    bus.ask(
      this.process,
      (store) => store.get(workerId),
      (held) => {
        if (held.kind !== "ok") return lost(held.reason);
        const decision = decideTake(entryOf(held.value), this.me);
        if (decision.kind === "taken") return lost(decision.reason);
        if (decision.kind === "superseded") return this.news.onSuperseded(decision.reason);
        const write = (store: Env["bus"]["store"]) => {
          return decision.kind === "create"
            ? store.create(workerId, this.value)
            : store.update(workerId, this.value, decision.revision);
        };
        bus.ask(this.process, write, (written) => {
          if (written.kind !== "ok") return lost(written.reason);
          if (written.value.kind === "conflict") return lost("somebody else was faster");
          const { revision, generation } = written.value;
          this.held.set(workerId, { revision });
          taken({ runId: this.me.runId, token: revision, generation });
        });
      },
    );
  }

  renew(): void {
    for (const [workerId, held] of this.held) {
      this.env.bus.ask(
        this.process,
        (store) => store.update(workerId, this.value, held.revision),
        (answer) => {
          if (answer.kind !== "ok") return;
          if (answer.value.kind === "written") held.revision = answer.value.revision;
          else this.look(workerId, held);
        },
      );
    }
  }

  release(workerId: string): void {
    const held = this.held.get(workerId);
    this.held.delete(workerId);
    if (!held) return;
    this.env.bus.ask(
      this.process,
      (store) => store.delete(workerId, held.revision),
      () => undefined,
    );
  }

  /** The entry is not as it was left. */
  private look(workerId: string, held: Held): void {
    this.env.bus.ask(
      this.process,
      (store) => store.get(workerId),
      (answer) => {
        if (answer.kind !== "ok" || this.held.get(workerId) !== held) return;
        const decision = decideRenewal(entryOf(answer.value), this.me);
        if (decision.kind === "held") held.revision = decision.revision;
        if (decision.kind === "superseded") this.news.onSuperseded(decision.reason);
        if (decision.kind === "taken") this.news.onLost(workerId, decision.reason);
        if (decision.kind === "recreate") this.recreate(workerId, held);
      },
    );
  }

  private recreate(workerId: string, held: Held): void {
    this.env.bus.ask(
      this.process,
      (store) => store.create(workerId, this.value),
      (made) => {
        if (made.kind === "ok" && made.value.kind === "written") held.revision = made.value.revision;
      },
    );
  }
}

function entryOf(stored: StoredEntry | null): LeaseEntry | null {
  return stored && { owner: JSON.parse(stored.value) as LeaseOwner, revision: stored.revision };
}
