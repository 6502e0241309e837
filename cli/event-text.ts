/** The event log in words. One line per thing worth knowing; null for the rest. */
import pc from "picocolors";
import type { RunEventRecord } from "../shared/net/subjects.js";

export function describeEvent(record: RunEventRecord): string | null {
  const text = (name: string) => String(record[name] ?? "");
  switch (record.kind) {
    case "worker-joined":
      return pc.dim(`worker ${text("workerId")} joined`);
    case "worker-lost":
      return pc.yellow(`worker ${text("workerId")} lost: ${text("reason")}; its work goes to others`);
    case "worker-refused":
      return pc.yellow(`worker ${text("workerId")} not taken: ${text("reason")}`);
    case "local-worker-exited":
      return pc.yellow(`local worker ${text("index")} exited with ${text("code")} (log: ${text("log")})`);
    case "work-failed":
      return pc.yellow(`work ${text("assignmentId")} failed: ${text("reason")}`);
    case "waiting":
      return pc.yellow(text("reason"));
    case "rounds-ended":
      return `rounds end after round ${text("round")}: ${text("reason")}`;
    case "labels-kept":
      return null;
    case "tag-doubtful":
      return pc.yellow(`${text("path")}: the classifier sees no sign of its tag; is the tag right?`);
    case "failure":
      return pc.red(`[${text("code")}] ${text("message")}`);
    default:
      return null;
  }
}

/** "45 s", "3 min 20 s", "2 h 05 min". */
export function duration(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const pad = (value: number) => String(value).padStart(2, "0");
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${pad(whole % 60)} s`;
  return `${Math.floor(whole / 3600)} h ${pad(Math.floor((whole % 3600) / 60))} min`;
}
