/**
 * A fixed set of units of work (micro-batches of one step, or shards of one phase) handed out to workers until every
 * unit is done exactly once. Pure: every function returns a new pool.
 *
 * Invariant: a unit is pending, or somebody works on it or has a result that waits for a second opinion, or it is done.
 * Two assignments may cover the same units (a backup of a slow one, an audit), but then exactly the same run of units,
 * and the first result that counts ends the other. A result whose assignment is no longer live is not accepted, so
 * nothing counts twice.
 */

export interface UnitRange {
  readonly first: number;
  /** One past the last. */
  readonly end: number;
}

export interface Assignment extends UnitRange {
  /** Unique in the run. */
  readonly id: string;
  readonly workerId: string;
  readonly startedAtMs: number;
}

/** A result that waits for another worker's, to be compared bit for bit. */
export interface Opinion {
  readonly assignment: Assignment;
  readonly digest: string;
}

/** A worker's attempt at a unit that came to nothing. */
export interface Blame {
  readonly unit: number;
  readonly workerId: string;
  /** The result was not a finite number. */
  readonly isNumeric: boolean;
}

type UnitState = "pending" | "assigned" | "done";

export interface WorkPool {
  /** Prefix of assignment ids: names the phase and step. */
  readonly key: string;
  readonly units: readonly UnitState[];
  /** How often each unit has been given out and failed. */
  readonly failures: readonly number[];
  readonly assignments: readonly Assignment[];
  readonly opinions: readonly Opinion[];
  readonly blames: readonly Blame[];
  readonly nextSerial: number;
  /** Most units in one assignment: shards go one by one, micro-batches as long runs. */
  readonly unitsPerAssignmentMax: number;
}

export function openPool(key: string, unitCount: number, unitsPerAssignmentMax: number): WorkPool {
  return {
    key,
    units: new Array<UnitState>(unitCount).fill("pending"),
    failures: new Array<number>(unitCount).fill(0),
    assignments: [],
    opinions: [],
    blames: [],
    nextSerial: 0,
    unitsPerAssignmentMax,
  };
}

export function isDone(pool: WorkPool): boolean {
  return pool.units.every((unit) => unit === "done");
}

export function doneCount(pool: WorkPool): number {
  return pool.units.filter((unit) => unit === "done").length;
}

export function busyWorkers(pool: WorkPool): Set<string> {
  return new Set(pool.assignments.map((assignment) => assignment.workerId));
}

/** How many of so many units each of these workers should get. */
export type Shares = (workerIds: readonly string[], units: number) => readonly number[];

function equalShares(workerIds: readonly string[], units: number): number[] {
  return workerIds.map((_, i) => Math.ceil((units - i) / workerIds.length));
}

/**
 * Shares the pending units out over the idle workers, in unit order. Who failed at a unit gets it again only when nobody
 * else among `capableIds` is left to try.
 */
export function assignPending(
  pool: WorkPool,
  idleWorkerIds: readonly string[],
  nowMs: number,
  { capableIds = idleWorkerIds, shares = equalShares }: { capableIds?: readonly string[]; shares?: Shares } = {},
): { pool: WorkPool; assigned: Assignment[] } {
  const assigned: Assignment[] = [];
  const nextSerial = pool.nextSerial + idleWorkerIds.length;
  // Most of the time: with a thousand workers, looking for each of them at each unit would take seconds.
  if (!pool.units.includes("pending")) return { pool: { ...pool, nextSerial }, assigned };
  const units = pool.units.slice();
  const isFree = (workerId: string, unit: number) => {
    return units[unit] === "pending" && mayTry(pool, workerId, unit, capableIds);
  };
  const ableIds = idleWorkerIds.filter((workerId) => units.some((_, unit) => isFree(workerId, unit)));
  const counts = shares(ableIds, units.filter((unit) => unit === "pending").length);
  for (const [i, workerId] of ableIds.entries()) {
    const first = units.findIndex((_, unit) => isFree(workerId, unit));
    const share = Math.min(counts[i]!, pool.unitsPerAssignmentMax);
    if (first < 0 || share <= 0) continue;
    let end = first;
    while (end - first < share && isFree(workerId, end)) units[end++] = "assigned";
    assigned.push({ id: `${pool.key}#${pool.nextSerial + i}`, workerId, first, end, startedAtMs: nowMs });
  }
  const next = {
    ...pool,
    units,
    assignments: [...pool.assignments, ...assigned],
    nextSerial,
  };
  return { pool: next, assigned };
}

function mayTry(pool: WorkPool, workerId: string, unit: number, capableIds: readonly string[]): boolean {
  if (!hasFailedAt(pool, workerId, unit)) return true;
  return capableIds.every((id) => hasFailedAt(pool, id, unit));
}

function hasFailedAt(pool: WorkPool, workerId: string, unit: number): boolean {
  return pool.blames.some((blame) => blame.unit === unit && blame.workerId === workerId);
}

/** Gives a run of units that somebody has, or has an opinion on, to one more worker. */
export function assignAgain(
  pool: WorkPool,
  { first, end }: UnitRange,
  workerId: string,
  nowMs: number,
): { pool: WorkPool; assignment: Assignment } {
  const assignment = { id: `${pool.key}#${pool.nextSerial}`, workerId, first, end, startedAtMs: nowMs };
  const next = { ...pool, assignments: [...pool.assignments, assignment], nextSerial: pool.nextSerial + 1 };
  return { pool: next, assignment };
}

export function liveAssignment(pool: WorkPool, assignmentId: string): Assignment | null {
  return pool.assignments.find((assignment) => assignment.id === assignmentId) ?? null;
}

/** Live assignments to the same units. */
export function rivalsOf(pool: WorkPool, range: Assignment): Assignment[] {
  return pool.assignments.filter((other) => other.id !== range.id && isSame(other, range));
}

export function isSame(a: UnitRange, b: UnitRange): boolean {
  return a.first === b.first && a.end === b.end;
}

/** The units are done; whoever else works on them works in vain. Null when the assignment is not live. */
export function complete(pool: WorkPool, assignmentId: string): WorkPool | null {
  const found = liveAssignment(pool, assignmentId);
  return found && finishRange(pool, found);
}

/** The same for units whose result was held back. */
export function finishRange(pool: WorkPool, range: UnitRange): WorkPool {
  const rest = {
    ...pool,
    assignments: pool.assignments.filter((one) => !isSame(one, range)),
    opinions: pool.opinions.filter(({ assignment }) => !isSame(assignment, range)),
  };
  return withUnits(rest, range, "done");
}

/** What was done must be done again. */
export function reopenRange(pool: WorkPool, range: UnitRange): WorkPool {
  return withUnits(pool, range, "pending");
}

/** Takes an assignment back without blame; its units are pending unless somebody else has them. Null when it is not live. */
export function takeBack(pool: WorkPool, assignmentId: string): WorkPool | null {
  const found = liveAssignment(pool, assignmentId);
  return found && freeUnits(withoutAssignments(pool, [found]), [found]);
}

/** Keeps a result until somebody else's can be compared with it. */
export function holdOpinion(pool: WorkPool, opinion: Opinion): WorkPool {
  const rest = withoutAssignments(pool, [opinion.assignment]);
  return { ...rest, opinions: [...rest.opinions, opinion] };
}

/** Puts an assignment's units back and remembers who failed at them. Null when it is not live. */
export function giveBack(pool: WorkPool, assignmentId: string, isNumeric = false): WorkPool | null {
  const found = liveAssignment(pool, assignmentId);
  if (!found) return null;
  const { first, end, workerId } = found;
  const failures = pool.failures.map((count, i) => (i >= first && i < end ? count + 1 : count));
  const blames = Array.from({ length: end - first }, (_, i): Blame => ({ unit: first + i, workerId, isNumeric }));
  const freed = freeUnits(withoutAssignments(pool, [found]), [found]);
  return { ...freed, failures, blames: [...pool.blames, ...blames] };
}

/** Puts back everything a worker held: its death is no fault of the units. Results held back stay. */
export function dropWorker(pool: WorkPool, workerId: string): WorkPool {
  const held = pool.assignments.filter((assignment) => assignment.workerId === workerId);
  return freeUnits(withoutAssignments(pool, held), held);
}

/** Nothing this worker says counts any more. */
export function disbelieve(pool: WorkPool, workerId: string): WorkPool {
  const doubted = pool.opinions.map(({ assignment }) => assignment).filter((one) => one.workerId === workerId);
  const opinions = pool.opinions.filter(({ assignment }) => assignment.workerId !== workerId);
  return freeUnits({ ...dropWorker(pool, workerId), opinions }, doubted);
}

export function overdue(pool: WorkPool, nowMs: number, timeoutMs: number): Assignment[] {
  return pool.assignments.filter((assignment) => nowMs - assignment.startedAtMs > timeoutMs);
}

function withoutAssignments(pool: WorkPool, gone: readonly Assignment[]): WorkPool {
  return { ...pool, assignments: pool.assignments.filter((assignment) => !gone.includes(assignment)) };
}

/** Units that nobody else has an assignment to or an opinion on are pending again. */
function freeUnits(pool: WorkPool, ranges: readonly Assignment[]): WorkPool {
  const isCovered = (range: UnitRange) => {
    const others = [...pool.assignments, ...pool.opinions.map(({ assignment }) => assignment)];
    return others.some((other) => isSame(other, range));
  };
  return ranges.filter((range) => !isCovered(range)).reduce((rest, range) => withUnits(rest, range, "pending"), pool);
}

function withUnits(pool: WorkPool, range: UnitRange, state: UnitState): WorkPool {
  return { ...pool, units: pool.units.map((unit, i) => (i >= range.first && i < range.end ? state : unit)) };
}
