/** What the simulated programs share. */
import type { Phase } from "../../coordinator/core/plan.js";
import type { Observation } from "./checkers/checker.js";
import type { CoordinatorNode } from "./coordinator-node.js";
import type { SimDisk } from "./disk.js";
import type { PlantedBugs, Scenario } from "./faults.js";
import { type Answer, type Network, ok } from "./network.js";
import type { SimStore } from "./store.js";
import type { WorkerNode } from "./worker-node.js";
import { Process, type World } from "./world.js";

export interface Env {
  readonly world: World;
  readonly network: Network;
  readonly bus: SimBus;
  readonly disk: SimDisk;
  readonly scenario: Scenario;
  readonly bugs: PlantedBugs;
  readonly plan: readonly Phase[];
  /** All that ever ran, oldest first. */
  readonly coordinators: CoordinatorNode[];
  /** The latest incarnation of every worker. */
  readonly workers: Map<string, WorkerNode>;
  readonly observe: (observation: Observation) => void;
  readonly trace: (who: string, what: string) => void;
}

/** How long a request to the broker may take: the client's default. */
const busTimeoutMs = 5_000;

/** The broker: passes messages on, and holds the store. It may restart, or come back empty. */
export class SimBus {
  process = new Process("bus", "bus");

  constructor(
    private readonly world: World,
    private readonly network: Network,
    readonly store: SimStore,
  ) {}

  restart(downMs: number, losesAll: boolean): void {
    this.process.kill();
    this.world.after(downMs, null, () => {
      if (losesAll) this.store.wipe();
      if (!this.process.isAlive) this.process = new Process("bus", "bus");
    });
  }

  publish(from: Process, to: () => readonly Process[], deliver: (to: Process) => void): void {
    this.network.send(from.place, this.process, () => {
      for (const process of to()) this.network.send("bus", process, () => deliver(process));
    });
  }

  ask<T>(from: Process, operation: (store: SimStore) => T, done: (answer: Answer<T>) => void): void {
    this.network.call<T>(from, this.process, busTimeoutMs, (reply) => reply(ok(operation(this.store))), done);
  }
}
