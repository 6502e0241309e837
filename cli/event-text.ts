/** One event in words; null for what needs none. cli/narrator.ts sums up those that come in numbers. */
import pc from "picocolors";
import type { RunEventRecord } from "../shared/net/subjects.js";

export function describeEvent(record: RunEventRecord): string | null {
  const text = (name: string) => fieldText(record, name);
  switch (record.kind) {
    case "worker-joined":
      return pc.dim(`worker ${text("workerId")} joined`);
    case "worker-lost":
      return pc.yellow(`worker ${text("workerId")} lost: ${text("reason")}; its work goes to others`);
    case "engine-lost":
      return pc.yellow(`worker ${text("workerId")} has lost its engine and starts it again: ${text("reason")}`);
    case "worker-surplus":
      return pc.yellow(
        `worker ${text("workerId")} has no replica to train: ${text("workers")} workers, ${text("replicas")} replicas ` +
          "(cluster.localReplicas). It seeds, refines, and steps in where one is lost",
      );
    case "worker-refused":
      return pc.yellow(`worker ${text("workerId")} not taken: ${text("reason")}`);
    case "phase-continued":
      return `${text("done")} of ${text("total")} shards were done before`;
    case "worker-mixed":
      return pc.yellow(`worker ${text("workerId")} taken although it ${text("reason")}`);
    case "worker-quarantined":
      return pc.red(`worker ${text("workerId")} quarantined: ${text("reason")}`);
    case "worker-drained":
      return pc.dim(`worker ${text("workerId")} left`);
    case "result-refused":
      return pc.yellow(`a result of ${text("workerId")} refused: ${text("reason")}; it is done again`);
    case "checkpoint-damaged":
      return pc.yellow(`checkpoint ${text("name")} is damaged: the one before it is used`);
    case "local-worker-exited":
      return pc.yellow(`local worker ${text("index")} exited with ${text("code")} (log: ${text("log")})`);
    case "work-failed":
      return pc.yellow(`work ${text("assignmentId")} failed: ${text("reason")}`);
    case "work-cut-off":
      return pc.yellow(`worker ${text("workerId")} ${text("reason")}; its work is done again`);
    case "rewound":
      return pc.yellow(`${text("phase")} goes back to its last checkpoint: ${text("reason")}`);
    case "exchange":
      return pc.dim(`${megabytes(record)} MB pulled from other workers in each step, by each (${text("phase")})`);
    case "rounds-ended":
      return `rounds end after round ${text("round")}: ${text("reason")}`;
    case "round-refused":
      return pc.yellow(`the labels of round ${text("round")} are refused: ${text("reason")}`);
    case "broadcast-failed":
      return pc.yellow(`labels v${text("version")} go to the workers one by one: ${text("reason")}`);
    case "failure":
      return pc.red(`[${text("code")}] ${text("message")}`);
    default:
      return null;
  }
}

function megabytes({ bytesPerUpdate }: RunEventRecord): string {
  return (Number(bytesPerUpdate) / 1e6).toFixed(1);
}

/** A field as text; what a record lacks is empty. */
export function fieldText(record: RunEventRecord, name: string): string {
  return String(record[name] ?? "");
}

/** "45 s", "3 min 20 s", "2 h 05 min". */
export function duration(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const pad = (value: number) => String(value).padStart(2, "0");
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${pad(whole % 60)} s`;
  return `${Math.floor(whole / 3600)} h ${pad(Math.floor((whole % 3600) / 60))} min`;
}
