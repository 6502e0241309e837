/** A run's status in one line. Pure. */
import pc from "picocolors";
import type { RunStatus } from "../shared/net/subjects.js";
import { duration } from "./event-text.js";

const barWidth = 24;

/** "round 2/3 training ████████░░░░░░░░ 34/100  41.2 images/s  loss 0.312  2 workers  ETA 3 min 20 s" */
export function statusLine(status: RunStatus): string {
  if (status.state === "waiting") return `${phaseTitle(status)}: ${status.reason}`;
  const active = status.workers.filter(({ state }) => state === "active").length;
  const parts = [
    `${pc.bold(phaseTitle(status))} ${bar(status.done, status.total)} ${status.done}/${status.total}`,
    outerText(status.outer),
    status.imagesPerSecond > 0 ? `${status.imagesPerSecond.toFixed(1)} images/s` : "",
    status.loss === null ? "" : `loss ${status.loss.toFixed(3)}`,
    `${active} worker${active === 1 ? "" : "s"}`,
    status.etaSeconds === null ? "" : `ETA ${duration(status.etaSeconds)}`,
  ];
  return parts.filter((part) => part !== "").join("  ");
}

/** "outer round 3/10, 2 of 4 replicas in"; nothing where every step is summed. */
export function outerText(outer: RunStatus["outer"]): string {
  if (outer === null) return "";
  return `outer round ${outer.round}/${outer.rounds}, ${outer.replicasDone} of ${outer.replicas} replicas in`;
}

/** "round 2/3 training". */
export function phaseTitle({ phase, round, rounds }: Pick<RunStatus, "phase" | "round" | "rounds">): string {
  return round === 0 ? phase : phase.replace(`round ${round}`, `round ${round}/${rounds}`);
}

export function bar(done: number, total: number): string {
  const filled = total === 0 ? 0 : Math.round((Math.min(done, total) / total) * barWidth);
  return "█".repeat(filled) + "░".repeat(barWidth - filled);
}
