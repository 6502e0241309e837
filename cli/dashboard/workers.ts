/** Which workers took part in a run, from its record, its event log, and what its coordinator says now. Pure. */
import type { RunRecord } from "../../shared/data/run-record.js";
import { type RunEventRecord, type RunStatus, runStatusSchema } from "../../shared/net/subjects.js";
import { gpuOf } from "../status-text.js";

export interface WorkerRow {
  readonly id: string;
  readonly host: string;
  readonly engine: string;
  readonly state: string;
  /** While it runs; null otherwise. */
  readonly imagesPerSecond: number | null;
  readonly waitShare: number | null;
  readonly joinedAt: string | null;
  /** "none": it computes on a CPU; "": nobody said. */
  readonly gpu: string;
  /** Resident memory, bytes, and the time of the last beat, as last heard. */
  readonly rssBytes: number | null;
  readonly beatAt: string | null;
}

const unheard = { gpu: "", rssBytes: null, beatAt: null };
const clusterSchema = runStatusSchema.pick({ workers: true });

/** Everybody who ever joined; what the coordinator says now wins over what the log said last. */
export function workersOf(
  { workers }: Pick<RunRecord, "workers">,
  events: readonly RunEventRecord[],
  status: RunStatus | null,
): WorkerRow[] {
  const rows = new Map<string, WorkerRow>();
  const idle = { state: "", imagesPerSecond: null, waitShare: null, joinedAt: null, ...unheard };
  for (const worker of workers) rows.set(worker.id, { ...idle, ...worker });
  for (const event of events) {
    const id = text(event, "workerId");
    const row = rows.get(id) ?? { ...idle, id, host: "", engine: "" };
    if (event.kind === "worker-joined") rows.set(id, { ...row, state: "joined", joinedAt: row.joinedAt ?? event.at });
    if (event.kind === "worker-lost") rows.set(id, { ...row, state: "lost" });
    if (event.kind === "cluster") noteHeard(rows, event);
  }
  const hasEnded = events.some(({ kind }) => kind === "run-ended");
  for (const [id, row] of rows) if (hasEnded && row.state === "joined") rows.set(id, { ...row, state: "left" });
  for (const { workerId, device, ...now } of status?.workers ?? []) {
    const row = rows.get(workerId) ?? { ...idle, id: workerId, engine: "" };
    rows.set(workerId, { ...row, ...now, gpu: gpuOf(device) });
  }
  return [...rows.values()];
}

/** What the log notes every half minute: all there is to know once nobody answers any more. */
function noteHeard(rows: Map<string, WorkerRow>, event: RunEventRecord): void {
  for (const { workerId, device, rssBytes, beatAt } of clusterSchema.safeParse(event).data?.workers ?? []) {
    const row = rows.get(workerId);
    if (row) rows.set(workerId, { ...row, gpu: gpuOf(device), rssBytes, beatAt });
  }
}

function text(event: RunEventRecord, field: string): string {
  return String(event[field] ?? "");
}
