/** What workers are told of a step of sharded training: who has which part of it. Pure. */
import type { Exchange as ExchangeMessage } from "../shared/gen/seedgrow/v1/Exchange.js";
import type { Peer } from "../shared/gen/seedgrow/v1/Peer.js";
import type { ReduceAhead } from "../shared/gen/seedgrow/v1/ReduceAhead.js";
import type { WorkRequest } from "../shared/gen/seedgrow/v1/WorkRequest.js";
import { aheadWorkersMax } from "../shared/limits.js";
import { coverRange, nodeKey } from "../shared/math/tree-sum.js";
import { type ExpectedReduce, expectedReduce } from "./core/ahead.js";
import type { Purpose } from "./core/events.js";
import { type Exchange, sliceRange } from "./core/exchange-state.js";
import { type Phase, phaseKey } from "./core/plan.js";
import type { RunState } from "./core/state.js";
import type { Assignment } from "./core/work-pool.js";
import type { StageFacts } from "./sharded-training.js";

export interface ExchangeFacts {
  readonly stage: StageFacts;
  readonly exchange: Exchange;
  /** What follows on the micro-batches, if all goes well. */
  readonly expected: ExpectedReduce | null;
  readonly addressOf: (workerId: string) => string;
}

/** Null: the work is not of a step, or the coordinator has the model. */
export function exchangeFacts(
  purpose: Purpose,
  state: RunState,
  stage: StageFacts | null,
  addressOf: (workerId: string) => string,
): ExchangeFacts | null {
  const { exchange } = state;
  if (!exchange || !stage || !("step" in purpose)) return null;
  return { exchange, stage, expected: purpose.kind === "step" ? expectedReduce(state) : null, addressOf };
}

/** Who cannot pull the model from so many tells of them all; naming everybody to everybody grows with their square. */
const holdersToldMax = 8;

interface Order {
  readonly assignment: Assignment;
  readonly phase: Phase;
}

export function exchangeOf({ assignment, phase }: Order, step: number, facts: ExchangeFacts): ExchangeMessage {
  const { exchange, stage } = facts;
  const others = exchange.inStep.filter((id) => id !== assignment.workerId);
  // Each begins with another one, so that many who come at once do not all pull from the first.
  const from = others.length === 0 ? 0 : assignment.first % others.length;
  const inTurn = [...others.slice(from), ...others.slice(0, from)].slice(0, holdersToldMax);
  const holders = inTurn.map((id) => peerOf(id, facts));
  const { specsDigest, hashSums } = stage;
  const point = exchange.pointStep === step && holders.length === 0 ? [...stage.point] : [];
  return { phase: phaseKey(phase), step, specsDigest, holders, point, hashSums };
}

/** What the worker can begin to pull while it computes; null: not known. */
export function aheadOf({ assignment, phase }: Order, facts: ExchangeFacts): ReduceAhead | null {
  const { expected, stage } = facts;
  const slice = expected?.owners.indexOf(assignment.workerId) ?? -1;
  if (!expected || slice < 0) return null;
  const length = stage.sumLength;
  const others = expected.sums.filter(({ workerId }) => workerId !== assignment.workerId);
  const sums = others.map(({ workerId, assignmentId: key, ...range }) => {
    return { peer: peerOf(workerId, facts), key, nodes: coverRange(range, phase.units).map(nodeKey) };
  });
  return sums.length === 0 ? null : { ...sliceRange(slice, expected.owners.length, length), length, sums };
}

export function reduceJob({ assignment, phase }: Order, facts: ExchangeFacts): Partial<WorkRequest> {
  const { owners, sums } = facts.exchange;
  const leafCount = phase.units;
  const isTold = owners.length <= aheadWorkersMax;
  const summands = sums.flatMap((held) => {
    const of = { peer: peerOf(held.workerId, facts), ...(isTold && { key: held.assignmentId }) };
    return coverRange(held, leafCount).map((node) => ({ node: nodeKey(node), ...of }));
  });
  const { sumLength: length } = facts.stage;
  const { first, end } = sliceRange(assignment.first, owners.length, length);
  return { reduce: { first, end, length, leafCount, summands }, job: "reduce" };
}

export function applyJob(step: number, facts: ExchangeFacts): Partial<WorkRequest> {
  const { owners } = facts.exchange;
  const slices = owners.map((owner, i) => {
    return {
      ...sliceRange(i, owners.length, facts.stage.sumLength),
      peer: owner === null ? null : peerOf(owner, facts),
    };
  });
  return { apply: { slices, hash: [...facts.stage.keptAfter(step)] }, job: "apply" };
}

function peerOf(workerId: string, { addressOf }: ExchangeFacts): Peer {
  return { workerId, address: addressOf(workerId) };
}
