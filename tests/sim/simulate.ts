/** One schedule: the cores of a coordinator and its workers through the troubles that a seed draws. */
import { planRun } from "../../coordinator/core/plan.js";
import { leaseMs, workTimeoutMs } from "../../shared/limits.js";
import { Rng } from "../../shared/rng.js";
import type { Checker, Observation } from "./checkers/checker.js";
import { durable } from "./checkers/durable.js";
import { eachUnitOnce } from "./checkers/each-unit-once.js";
import { fencing } from "./checkers/fencing.js";
import { finalWeights } from "./checkers/final-weights.js";
import { oneCommit } from "./checkers/one-commit.js";
import { quarantine } from "./checkers/quarantine.js";
import { SimDisk } from "./disk.js";
import { type Env, SimBus } from "./env.js";
import { calm, drawScenario, noBugs, type PlantedBugs, type Scenario } from "./faults.js";
import { Network } from "./network.js";
import { SimStore } from "./store.js";
import { Troubles } from "./troubles.js";
import { undisturbed } from "./work.js";
import { World } from "./world.js";

export interface Verdict {
  readonly seed: number;
  /** Null: nothing was violated. */
  readonly violation: string | null;
  /** Simulated time, milliseconds. */
  readonly simulatedMs: number;
  readonly actions: number;
}

export interface SimOptions {
  readonly bugs?: PlantedBugs;
  readonly isCalm?: boolean;
  readonly trace?: (line: string) => void;
}

/** Thrown by a checker's objection: ends the schedule on the spot. */
class Violation extends Error {}

export function simulate(seed: number, options: SimOptions = {}): Verdict {
  const world = new World(seed);
  const drawn = drawScenario(new Rng("scenario", seed));
  const scenario = options.isCalm ? calm(drawn) : drawn;
  const trace = options.trace ?? (() => undefined);
  const env = makeEnv(world, scenario, options.bugs ?? noBugs, (who, what) => {
    if (options.trace) trace(`${(world.nowMs / 1000).toFixed(3).padStart(9)} s  ${who}  ${what}`);
  });
  let violation: string | null = null;
  try {
    new Schedule(env).run();
  } catch (error) {
    // Assertions of the cores are violations too: what they say is what is wrong.
    violation = error instanceof Violation ? error.message : `${(error as Error).stack}`;
    trace(`VIOLATION ${violation}`);
  }
  return { seed, violation, simulatedMs: world.nowMs, actions: world.actions };
}

/**
 * With everything healed the run must end within: noticing a hang (the longest work deadline), then the rest of the
 * work, done by one worker, and a few lapses of leases.
 */
function patienceMs({ scenario, plan }: Env): number {
  const units = plan.reduce((sum, phase) => sum + phase.units * Math.max(1, phase.steps) + 1, 0);
  return workTimeoutMs + 4 * leaseMs + 2 * units * scenario.unitMs;
}

class Schedule {
  constructor(private readonly env: Env) {}

  run(): void {
    const { world, scenario } = this.env;
    const troubles = new Troubles(this.env);
    troubles.start();
    const deadlineMs = scenario.troubleMs + patienceMs(this.env);
    while (world.next()) {
      if (troubles.areOver && this.isEnded()) return;
      if (world.nowMs > deadlineMs) throw new Violation(this.whyUnfinished());
    }
  }

  /** Somebody is done, and nobody else thinks it is still at work. */
  private isEnded(): boolean {
    const { coordinators } = this.env;
    const isDone = coordinators.some((node) => node.ended === "done");
    return isDone && coordinators.every((node) => node.ended !== null || !node.process.isAlive);
  }

  private whyUnfinished(): string {
    const states = this.env.coordinators
      .filter((node) => node.process.isAlive && node.ended === null)
      .map(
        (node) =>
          `${node.name}: phase ${node.state?.phaseIndex} ${node.state?.activity}, ${node.state?.waitingFor ?? "working"}`,
      );
    return `the run does not end: ${states.join("; ") || "no coordinator is left"}`;
  }
}

function makeEnv(world: World, scenario: Scenario, bugs: PlantedBugs, trace: Env["trace"]): Env {
  const { leafCount, steps, rounds, shards } = scenario;
  const stage = { steps, leafCount };
  const plan = planRun({ classifier: stage, segmenter: stage, rounds, trainShards: shards, valShards: 1 });
  const checkers: Checker[] = [
    oneCommit(),
    eachUnitOnce(),
    fencing(),
    durable(),
    quarantine(),
    finalWeights(undisturbed(plan)),
  ];
  const observe = (observation: Observation) => {
    trace("seen", JSON.stringify(observation));
    for (const checker of checkers) {
      const objection = checker.see(observation);
      if (objection !== null) throw new Violation(`${checker.name}: ${objection}`);
    }
  };
  const network = new Network(world, { ...scenario.network });
  const store = new SimStore(world, leaseMs);
  const bus = new SimBus(world, network, store);
  const disk = new SimDisk(world, { skipsFlush: bugs.skipFsync, flushMsMax: scenario.flushMsMax });
  const workers: Env["workers"] = new Map();
  store.onPut = (workerId) => {
    const node = workers.get(workerId);
    if (node) network.send("bus", node.process, () => node.renewed());
  };
  return { world, network, bus, disk, scenario, bugs, plan, coordinators: [], workers, observe, trace };
}
