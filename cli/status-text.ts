/** What `seedgrow status` prints. Pure. */
import Table from "cli-table3";
import pc from "picocolors";
import type { RunStatus } from "../shared/net/subjects.js";
import { duration } from "./event-text.js";
import type { RunView } from "./run-view.js";
import { phaseTitle, statusLine } from "./status-line.js";

const colors: Readonly<Record<string, (text: string) => string>> = {
  running: pc.green,
  done: pc.green,
  waiting: pc.yellow,
  stopping: pc.yellow,
  stopped: pc.yellow,
  killed: pc.yellow,
  failed: pc.red,
};

export function stateText(state: string): string {
  return (colors[state] ?? ((text: string) => text))(state);
}

export function viewText(view: RunView): string {
  const lines = [`${pc.bold(view.runId)}  ${stateText(view.state)}${view.reason ? `: ${view.reason}` : ""}`];
  if (view.status && (view.state === "running" || view.state === "stopping"))
    lines.push(`  ${statusLine(view.status)}`);
  else if (view.phase !== "") lines.push(`  ${view.state === "done" ? "last phase" : "in"} ${view.phase}`);
  if (view.dir ?? view.status?.runDir) lines.push(pc.dim(`  ${view.dir ?? view.status?.runDir}`));
  const workers = view.status?.workers ?? [];
  if (workers.length > 0) lines.push(workerTable(workers));
  return lines.join("\n");
}

/** "round 1/3 training 34/100, 41.2 images/s (vm-1 20.1, vm-2 21.1), loss 0.312, ETA 2 min 05 s" */
export function throughputText(status: RunStatus): string {
  const { done, total, imagesPerSecond, workers, loss, etaSeconds } = status;
  const speeds = workers
    .filter(({ state }) => state === "active")
    .map(({ workerId, imagesPerSecond: speed }) => `${workerId} ${speed.toFixed(1)}`);
  const parts = [
    `${phaseTitle(status)} ${done}/${total}`,
    `${imagesPerSecond.toFixed(1)} images/s${speeds.length > 0 ? ` (${speeds.join(", ")})` : ""}`,
    loss === null ? "" : `loss ${loss.toFixed(3)}`,
    etaSeconds === null ? "" : `ETA ${duration(etaSeconds)}`,
  ];
  return parts.filter((part) => part !== "").join(", ");
}

function workerTable(workers: RunStatus["workers"]): string {
  const table = new Table({
    head: ["worker", "host", "state", "images/s", "waits for data"],
    colAligns: ["left", "left", "left", "right", "right"],
    style: { head: [], border: [], compact: true },
  });
  for (const { workerId, host, state, imagesPerSecond, waitShare } of workers) {
    table.push([workerId, host, state, imagesPerSecond.toFixed(1), `${Math.round(waitShare * 100)} %`]);
  }
  return table.toString();
}

/** "gpu: NVIDIA A100" -> "NVIDIA A100"; a CPU is none; "" when nobody said. */
export function gpuOf(device: string): string {
  return device.startsWith("gpu: ") ? device.slice("gpu: ".length) : device === "" ? "" : "none";
}
