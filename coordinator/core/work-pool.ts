/**
 * A fixed set of units of work (micro-batches of one step, or shards of one phase) handed out to workers until every
 * unit is done exactly once. Pure: every function returns a new pool.
 *
 * Invariant: a unit is pending, or in exactly one live assignment, or done. A result whose assignment is no longer
 * live (its worker was given up) is not accepted, so nothing counts twice.
 */

export interface Assignment {
  /** Unique in the run. */
  readonly id: string;
  readonly workerId: string;
  /** A run of units: [first, end). */
  readonly first: number;
  readonly end: number;
  readonly startedAtMs: number;
}

type UnitState = "pending" | "assigned" | "done";

export interface WorkPool {
  /** Prefix of assignment ids: names the phase and step. */
  readonly key: string;
  readonly units: readonly UnitState[];
  /** How often each unit has been given out and not come back done. */
  readonly failures: readonly number[];
  readonly assignments: readonly Assignment[];
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

/** Shares the pending units out over the idle workers, as equal as can be, in unit order. */
export function assignPending(
  pool: WorkPool,
  idleWorkerIds: readonly string[],
  nowMs: number,
): { pool: WorkPool; assigned: Assignment[] } {
  const assigned: Assignment[] = [];
  const units = pool.units.slice();
  let pendingCount = units.filter((unit) => unit === "pending").length;
  for (const [i, workerId] of idleWorkerIds.entries()) {
    const first = units.indexOf("pending");
    if (first < 0) break;
    const share = Math.min(Math.ceil(pendingCount / (idleWorkerIds.length - i)), pool.unitsPerAssignmentMax);
    let end = first;
    while (end < units.length && units[end] === "pending" && end - first < share) units[end++] = "assigned";
    pendingCount -= end - first;
    assigned.push({ id: `${pool.key}#${pool.nextSerial + i}`, workerId, first, end, startedAtMs: nowMs });
  }
  const next = {
    ...pool,
    units,
    assignments: [...pool.assignments, ...assigned],
    nextSerial: pool.nextSerial + idleWorkerIds.length,
  };
  return { pool: next, assigned };
}

/** Null when the assignment is not live: a straggler or a duplicate. */
export function complete(pool: WorkPool, assignmentId: string): WorkPool | null {
  const found = pool.assignments.find((assignment) => assignment.id === assignmentId);
  if (!found) return null;
  return withUnits(withoutAssignments(pool, [found]), found, "done");
}

/** Puts an assignment's units back. Null when it is not live. */
export function giveBack(pool: WorkPool, assignmentId: string): WorkPool | null {
  const found = pool.assignments.find((assignment) => assignment.id === assignmentId);
  if (!found) return null;
  const failures = pool.failures.map((count, i) => (i >= found.first && i < found.end ? count + 1 : count));
  return { ...withUnits(withoutAssignments(pool, [found]), found, "pending"), failures };
}

/** Puts back everything a worker held: its death is no fault of the units. */
export function dropWorker(pool: WorkPool, workerId: string): WorkPool {
  const held = pool.assignments.filter((assignment) => assignment.workerId === workerId);
  return held.reduce((rest, assignment) => withUnits(rest, assignment, "pending"), withoutAssignments(pool, held));
}

export function overdue(pool: WorkPool, nowMs: number, timeoutMs: number): Assignment[] {
  return pool.assignments.filter((assignment) => nowMs - assignment.startedAtMs > timeoutMs);
}

function withoutAssignments(pool: WorkPool, gone: readonly Assignment[]): WorkPool {
  return { ...pool, assignments: pool.assignments.filter((assignment) => !gone.includes(assignment)) };
}

function withUnits(pool: WorkPool, range: { first: number; end: number }, state: UnitState): WorkPool {
  return { ...pool, units: pool.units.map((unit, i) => (i >= range.first && i < range.end ? state : unit)) };
}
