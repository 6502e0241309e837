/**
 * What is done to whom, and when: data. Phases are those of a run with two rounds: classify, seed, then train-N, refine-N
 * and evaluate-N. `quick`: part of the subset that runs in CI.
 */
import type { CrashPoint } from "./cluster.js";
import type { LinkState } from "./proxy.js";

interface Case {
  /** The fault strikes when this phase begins. */
  readonly phase: string;
  readonly quick?: true;
}

export type ProcessCase = Case & {
  readonly process: "worker" | "coordinator" | "broker";
  readonly fault: ProcessFault;
};

export type ProcessFault =
  /** SIGKILL; a supervisor starts it again. */
  | "kill"
  /** SIGSTOP, and SIGCONT once it was missed (a worker) or after longer than a lease (a coordinator). */
  | "freeze"
  /** SIGTERM to a worker. */
  | "drain"
  /** A frozen coordinator is replaced by a second one, and wakes beside it. */
  | "replace"
  /** The broker is killed and comes back at once; the same without its data; after longer than a lease. */
  | "restart"
  | "lose data"
  | "away";

const phases = ["classify", "seed", "train-1", "refine-1", "evaluate-1", "train-2", "refine-2", "evaluate-2"];

function at(
  process: ProcessCase["process"],
  fault: ProcessFault,
  where: readonly string[],
  quick?: string,
): ProcessCase[] {
  return where.map((phase) => ({ process, fault, phase, ...(phase === quick ? { quick: true } : {}) }));
}

export const processCases: readonly ProcessCase[] = [
  ...at("worker", "kill", phases, "train-1"),
  ...at("worker", "freeze", ["classify", "seed", "train-1", "refine-1", "evaluate-1"], "train-1"),
  ...at("worker", "drain", ["seed", "train-1", "refine-1", "evaluate-1"], "refine-1"),
  ...at("coordinator", "freeze", ["classify", "seed", "train-1", "refine-1", "evaluate-1"]),
  ...at("coordinator", "replace", ["seed", "train-1", "refine-1"], "train-1"),
  ...at("broker", "restart", ["classify", "seed", "train-1", "refine-1", "evaluate-1"]),
  ...at("broker", "lose data", ["classify", "seed", "train-1", "refine-1", "evaluate-1"], "refine-1"),
  ...at("broker", "away", ["train-1", "refine-1"]),
];

/**
 * A coordinator that is killed at one durable write after the other, and resumed each time by another, against workers
 * that stay. `phase`: what it was doing.
 */
export interface CrashStep extends CrashPoint {
  readonly phase: string;
}

function around(phase: string, file: string): CrashStep[] {
  return [
    { phase, file, when: "before" },
    { phase, file, when: "after" },
  ];
}

/** Which shard comes when is the workers' affair: the first of any, the next of any, and the one that completes them. */
function overShards(phase: string, packs: string): CrashStep[] {
  return [
    { phase: `${phase}: first result`, file: `${packs}/shard-`, when: "before" },
    { phase: `${phase}: some accepted`, file: `ledger/${phase}/shard-`, when: "after" },
    { phase: `${phase}: publishing`, file: `ledger/${phase}/shard-`, when: "after", files: 4 },
  ];
}

/** The ends of the eight phases, and the first and last thing written for their results. */
export const crashChains: readonly {
  readonly name: string;
  readonly quick?: true;
  readonly steps: readonly CrashStep[];
}[] = [
  {
    name: "classifier and seeds",
    quick: true,
    steps: [
      { phase: "preparing", file: "/run.json", when: "after" },
      { phase: "classify: checkpoint", file: "classify-step-0000002.ckpt", when: "before" },
      { phase: "classify: checkpoint", file: "classify-step-0000002.ckpt", when: "after" },
      { phase: "classify: torn checkpoint", file: "classify-step-0000004.ckpt", when: "torn" },
      ...around("classify: end", "progress/progress-0001"),
      ...overShards("seed", "labels/v0"),
      ...around("seed: end", "progress/progress-0002"),
    ],
  },
  {
    name: "round 1",
    steps: [
      { phase: "train-1: checkpoint", file: "train-1-step-0000004.ckpt", when: "after" },
      { phase: "train-1: end", file: ".f32", when: "after" },
      ...around("train-1: end", "progress/progress-0003"),
      ...overShards("refine-1", "labels/v1"),
      ...around("refine-1: end", "progress/progress-0004"),
      { phase: "evaluate-1: half accepted", file: "ledger/evaluate-1/shard-", when: "after" },
      ...around("evaluate-1: end", "progress/progress-0005"),
    ],
  },
  {
    name: "round 2 and the end",
    steps: [
      { phase: "train-2: torn checkpoint", file: "train-2-step-0000004.ckpt", when: "torn" },
      ...around("train-2: end", "progress/progress-0006"),
      { phase: "refine-2: torn pack", file: "labels/v2/shard-", when: "torn" },
      { phase: "refine-2: torn ledger", file: "ledger/refine-2/shard-", when: "torn" },
      ...around("refine-2: end", "progress/progress-0007"),
      ...around("evaluate-2: end", "progress/progress-0008"),
      { phase: "finishing: model", file: "model/params.f32", when: "after" },
      { phase: "finishing: model", file: "model/seedgrow-model.json", when: "before" },
      { phase: "finishing: masks", file: "masks/", when: "after" },
    ],
  },
];

/** Which links: into a worker (commands), out of the workers (blobs), to the broker. */
export type LinkName = "commands" | "blobs" | "worker bus" | "coordinator bus" | "all";

export interface LinkCase extends Case {
  readonly link: LinkName;
  readonly state: Partial<LinkState>;
  /** Null: until the run ends. */
  readonly forMs: number | null;
}

const cut = { condition: "down" } as const;
const deaf = { condition: "deaf" } as const;

export const linkCases: readonly LinkCase[] = [
  { phase: "classify", link: "all", state: { delayMs: 100 }, forMs: null },
  { phase: "classify", link: "all", state: { bytesPerSecond: 400_000 }, forMs: null },
  { phase: "train-1", link: "commands", state: cut, forMs: 3_000, quick: true },
  { phase: "refine-1", link: "commands", state: cut, forMs: 3_000 },
  { phase: "train-1", link: "blobs", state: cut, forMs: 3_000 },
  { phase: "seed", link: "blobs", state: cut, forMs: 3_000 },
  { phase: "train-1", link: "worker bus", state: cut, forMs: 20_000 },
  { phase: "train-1", link: "coordinator bus", state: cut, forMs: 20_000 },
  { phase: "refine-1", link: "coordinator bus", state: cut, forMs: 5_000 },
  { phase: "train-1", link: "commands", state: deaf, forMs: 12_000 },
  { phase: "train-1", link: "all", state: deaf, forMs: 20_000 },
  { phase: "evaluate-1", link: "all", state: cut, forMs: 5_000 },
];

/** A worker whose arithmetic is wrong, among two that are right. */
export interface SickCase {
  readonly fault: string;
  readonly audit: number;
  /** The event that says so. */
  readonly noticed: string;
  /** Of the segmenter: more of them for what takes long to be noticed. */
  readonly steps?: number;
  readonly quick?: true;
}

export const sickCases: readonly SickCase[] = [
  { fault: "nan@round-1", audit: 0, noticed: "worker-quarantined", quick: true },
  { fault: "lie@round-1", audit: 1, noticed: "worker-quarantined", quick: true },
  { fault: "hang@round-1", audit: 0, noticed: "worker-lost", steps: 60 },
  { fault: "slow@round-2", audit: 0, noticed: "" },
];

/** Of workers that exchange among themselves: the others wait for what it computes. */
export const shardedCases: readonly ProcessCase[] = [
  ...at("worker", "kill", ["train-1"], "train-1"),
  ...at("worker", "freeze", ["train-1"], "train-1"),
];

/** With TensorFlow itself: few, because they compute. */
export const realCases: readonly ProcessCase[] = [
  ...at("worker", "kill", ["train-1"]),
  ...at("coordinator", "replace", ["train-1"]),
  ...at("broker", "lose data", ["refine-1"]),
];
