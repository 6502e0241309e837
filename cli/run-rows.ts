/** A row of `seedgrow runs`, from what a run's folder says. Pure. */
import type { ListedRun } from "../coordinator/adapters/run-store.js";
import type { StageRecord } from "../shared/data/run-record.js";

export interface RunRow {
  readonly runId: string;
  /** As in run.json, or "killed" when it says running and nobody works on it. */
  readonly state: string;
  /** ISO 8601. */
  readonly createdAt: string;
  readonly photos: number | null;
  readonly classes: readonly string[];
  readonly roundsDone: number;
  readonly rounds: number | null;
  readonly bestValMiou: number | null;
  /** Of the last round, against true masks of the training photos. */
  readonly labelMiou: number | null;
  readonly seconds: number;
  readonly dir: string;
}

export interface RunFacts {
  readonly photos: number;
  readonly classes: readonly string[];
}

export function runRow({ dir, record, stages }: ListedRun, facts: RunFacts | null, isHeld: boolean): RunRow {
  const rounds = stages.filter(({ name }) => name.startsWith("round-"));
  const values = rounds.map(({ val }) => val?.miou ?? null).filter((miou) => miou !== null);
  return {
    runId: record.runId,
    state: record.state === "running" && !isHeld ? "killed" : record.state,
    createdAt: record.createdAt,
    photos: facts?.photos ?? null,
    classes: facts?.classes ?? [],
    roundsDone: rounds.length,
    rounds: plannedRounds(record.config),
    bestValMiou: values.length > 0 ? Math.max(...values) : null,
    labelMiou: rounds.at(-1)?.labels?.miou ?? null,
    seconds: record.seconds || secondsOf(stages),
    dir,
  };
}

/** A run under way has not written its time yet. */
function secondsOf(stages: readonly StageRecord[]): number {
  return stages.reduce((sum, { seconds }) => sum + seconds, 0);
}

function plannedRounds(config: Readonly<Record<string, unknown>>): number | null {
  const rounds = (config.method as { rounds?: unknown } | undefined)?.rounds;
  return typeof rounds === "number" ? rounds : null;
}

/** "2026-11-22 14:30" in the local time of whoever reads it. */
export function localTime(iso: string): string {
  const at = new Date(iso);
  const two = (value: number) => String(value).padStart(2, "0");
  const day = [at.getFullYear(), two(at.getMonth() + 1), two(at.getDate())].join("-");
  return `${day} ${two(at.getHours())}:${two(at.getMinutes())}`;
}
