/** Everything of a pool is in: what comes of it. */
import type { RunEffect } from "./events.js";
import { applyAgain, type ExchangeRun, isExchanging, majority, onDisagreement } from "./exchange.js";
import { stepsFrom } from "./plan.js";
import { andThen, currentPhase, type RunState, type Transition } from "./state.js";
import { isDone } from "./work-pool.js";
import { quarantine } from "./workers.js";

export function settle(state: RunState): Transition {
  const phase = currentPhase(state);
  const { purpose } = state;
  const lastStep = "step" in purpose && purpose.step + stepsFrom(phase, purpose.step) === phase.steps;
  return { state: { ...state, activity: "settling" }, effects: [{ kind: "settle", phase, purpose, lastStep }] };
}

/** Everybody's update of a step has come or will not: what most arrived at counts. Null: not yet. */
export function conclude(state: RunState): Transition | null {
  if (!isExchanging(state) || state.purpose.kind !== "apply" || !isDone(state.pool)) return null;
  if (state.exchange.applied.length === 0) return applyAgain(state);
  const verdict = majority(state.exchange.applied);
  if (!verdict) return onDisagreement(state);
  const { winners, dissenters } = verdict;
  const effects: RunEffect[] = [
    ...winners.map(({ assignmentId }): RunEffect => ({ kind: "accept", assignmentId })),
    ...dissenters.map(({ assignmentId }): RunEffect => ({ kind: "discard", assignmentId })),
  ];
  const inStep = winners.map(({ workerId }) => workerId);
  let result: Transition = settle({ ...state, exchange: { ...state.exchange, inStep } } satisfies ExchangeRun);
  const settled = result.effects;
  result = { ...result, effects };
  for (const { workerId } of dissenters) {
    const reason = `arrived at other parameters than ${inStep.join(", ")}`;
    result = andThen(result, (current) => quarantine(current, workerId, reason));
  }
  return { ...result, effects: [...result.effects, ...settled] };
}
