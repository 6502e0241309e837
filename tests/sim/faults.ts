/**
 * Which troubles a run has. Swarm testing (Groce et al. 2012): each run enables a random subset and weighs it wildly
 * differently, because faults that are always on hide what only their absence would show.
 */
import type { Rng } from "../../shared/rng.js";

/** Planted bugs: the simulation has to notice each of them. */
export interface PlantedBugs {
  /** Workers obey any coordinator. */
  readonly dropFencing: boolean;
  /** Results of given-up assignments count as well. */
  readonly acceptDuplicates: boolean;
  /** Files are renamed before their bytes are flushed. */
  readonly skipFsync: boolean;
}

export const noBugs: PlantedBugs = { dropFencing: false, acceptDuplicates: false, skipFsync: false };

/** What can happen, with how often per minute of simulated time; 0: never in this run. */
export interface FaultRates {
  readonly workerCrash: number;
  readonly workerPause: number;
  readonly workerSlow: number;
  readonly workerLeave: number;
  readonly workerJoin: number;
  /** Asked to leave by SIGTERM, back later. */
  readonly workerDrain: number;
  /** Computes garbage, or, where everything is audited, lies. */
  readonly workerSick: number;
  readonly coordinatorCrash: number;
  readonly powerCut: number;
  readonly coordinatorPause: number;
  /** A second coordinator while the first is alive. */
  readonly coordinatorTwin: number;
  readonly partition: number;
  readonly busRestart: number;
  readonly busLoss: number;
}

export interface Scenario {
  readonly workers: number;
  readonly workersMin: number;
  readonly leafCount: number;
  readonly steps: number;
  readonly shards: number;
  readonly rounds: number;
  readonly checkpointSteps: number;
  /** Share of the units computed twice. */
  readonly audit: number;
  /** Mean time for one unit, milliseconds. */
  readonly unitMs: number;
  /** How long the troubles last. */
  readonly troubleMs: number;
  readonly rates: FaultRates;
  readonly network: { readonly jitterMs: number; readonly loss: number; readonly duplication: number };
  readonly flushMsMax: number;
}

export function drawScenario(rng: Rng): Scenario {
  const rate = (most: number) => (rng.next() < 0.5 ? 0 : most * rng.next() ** 2);
  const share = (most: number) => (rng.next() < 0.5 ? 0 : most * rng.next() ** 2);
  const between = (low: number, high: number) => low + rng.integer(high - low + 1);
  const workers = between(1, 5);
  return {
    workers,
    workersMin: rng.next() < 0.7 ? 1 : Math.min(2, workers),
    leafCount: between(1, 6),
    steps: between(1, 5),
    shards: between(1, 4),
    rounds: between(1, 2),
    checkpointSteps: between(1, 3),
    audit: rng.next() < 0.6 || workers === 1 ? 0 : rng.next() < 0.5 ? 1 : rng.next(),
    unitMs: 10 ** rng.uniform(2, 3.7),
    troubleMs: rng.uniform(10_000, 90_000),
    rates: {
      workerCrash: rate(20),
      workerPause: rate(10),
      workerSlow: rate(10),
      workerLeave: rate(5),
      workerJoin: rate(5),
      workerDrain: rate(8),
      workerSick: rate(10),
      coordinatorCrash: rate(15),
      powerCut: rate(10),
      coordinatorPause: rate(10),
      coordinatorTwin: rate(8),
      partition: rate(20),
      busRestart: rate(6),
      busLoss: rate(4),
    },
    network: {
      jitterMs: rng.next() < 0.3 ? 5 : 10 ** rng.uniform(0.5, 3.5),
      loss: share(0.2),
      duplication: share(0.3),
    },
    flushMsMax: 10 ** rng.uniform(0, 3.3),
  };
}

/** The same work without any trouble. */
export function calm(scenario: Scenario): Scenario {
  const rates = Object.fromEntries(Object.keys(scenario.rates).map((kind) => [kind, 0])) as unknown as FaultRates;
  const network = { jitterMs: 5, loss: 0, duplication: 0 };
  return { ...scenario, troubleMs: 0, rates, network, flushMsMax: 5 };
}
