/**
 * Sharded training: which worker has which part of a step. The coordinator holds none of it, so that what a worker took
 * with it must be made again from what the others still have. Pure.
 */
import { complaintsMax } from "../../shared/limits.js";
import { blockFloats } from "../../shared/math/wire.js";
import type { Assignment, UnitRange } from "./work-pool.js";

/** Partial sums of a run of micro-batches, who has them, and of which piece of work. */
export interface HeldSum extends UnitRange {
  readonly workerId: string;
  readonly assignmentId: string;
}

export function sumOf({ id, workerId, first, end }: Assignment): HeldSum {
  return { workerId, assignmentId: id, first, end };
}

/** A worker's update: the digest of what it arrived at. */
export interface Applied {
  readonly workerId: string;
  readonly assignmentId: string;
  readonly digest: string;
}

/** `by` could not pull from `about`. */
export interface Complaint {
  readonly by: string;
  readonly about: string;
}

export interface Exchange {
  /** Who has the model as of the step's beginning. */
  readonly inStep: readonly string[];
  /** The step whose beginning the coordinator can give as well: the first of a phase or of a sitting. */
  readonly pointStep: number;
  readonly sums: readonly HeldSum[];
  /** Who has the sum of each slice; null: nobody. Empty until the step's slices are cut. */
  readonly owners: readonly (string | null)[];
  /** Who updates, in the order of the pool's units. */
  readonly roster: readonly string[];
  readonly applied: readonly Applied[];
  /** Updates of the step that failed. */
  readonly failures: number;
  /** Who could not pull from whom in this step, in order. */
  readonly complaints: readonly Complaint[];
  /** How often pools were opened: part of their names, since a name stands for one piece of work. */
  readonly openings: number;
  /** How often training went back to a checkpoint. */
  readonly rewinds: number;
  /** How often no majority of workers agreed on what a step leads to. */
  readonly disagreements: number;
}

/** At the beginning of a step, which `inStep` have reached. */
export function atStep(before: Exchange | null, inStep: readonly string[], pointStep: number): Exchange {
  const { openings = 0, rewinds = 0, disagreements = 0 } = before ?? {};
  const nothing = { sums: [], owners: [], roster: [], applied: [], failures: 0, complaints: [] };
  return { ...nothing, inStep, pointStep, openings, rewinds, disagreements };
}

export function withHolder(exchange: Exchange, workerId: string): Exchange {
  return exchange.inStep.includes(workerId) ? exchange : { ...exchange, inStep: [...exchange.inStep, workerId] };
}

/**
 * Who of the two is to be given up, when the same was said `complaintsMax` times or by so many: whoever has trouble with
 * more of the others. Between equals it is not the one that has the model while the other still asks for it. Null: it may
 * pass.
 */
export function culpritOf({ complaints, inStep }: Exchange, { by, about }: Complaint): string | null {
  const against = complaints.filter((one) => one.about === about);
  if (against.length < complaintsMax) return null;
  const accusers = new Set(against.map((one) => one.by)).size;
  const accused = new Set(complaints.filter((one) => one.by === by).map((one) => one.about)).size;
  if (accused !== accusers) return accused > accusers ? by : about;
  return inStep.includes(about) && !inStep.includes(by) ? by : about;
}

/** What the worker had is gone. */
export function withoutWorker(exchange: Exchange, workerId: string): Exchange {
  return {
    ...exchange,
    inStep: exchange.inStep.filter((id) => id !== workerId),
    sums: exchange.sums.filter((held) => held.workerId !== workerId),
    owners: exchange.owners.map((owner) => (owner === workerId ? null : owner)),
  };
}

/** [first, end) of each of `count` slices of `length` numbers; they differ by a block at most, and none is cut. */
export function sliceRange(index: number, count: number, length: number): UnitRange {
  const blocks = Math.ceil(length / blockFloats);
  const cut = (i: number) => Math.min(length, Math.floor((blocks * i) / count) * blockFloats);
  return { first: cut(index), end: cut(index + 1) };
}
