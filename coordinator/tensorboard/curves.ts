/** From a run's events to TensorBoard's curves. Pure. */
import type { RunEventRecord } from "../../shared/net/subjects.js";
import type { ScalarEvent } from "./records.js";

export interface CurveState {
  readonly phase: string;
  /** Optimiser updates so far of the network that trains: rounds follow each other on one axis. */
  readonly step: number;
}

export const initialCurve: CurveState = { phase: "", step: 0 };

export function curveOf(
  state: CurveState,
  event: RunEventRecord,
): { readonly state: CurveState; readonly scalars: ScalarEvent | null } {
  const wallTime = Date.parse(event.at) / 1000;
  switch (event.kind) {
    case "step": {
      const next = stepped(String(event.phase), Number(event.step), Number(event.steps));
      const tag = next.phase === "classify" ? "loss/classifier" : "loss/segmenter";
      const scalars = event.loss === null ? {} : { [tag]: Number(event.loss) };
      return { state: next, scalars: told(wallTime, next.step, scalars) };
    }
    case "stage":
      return { state, scalars: told(wallTime, roundOf(String(event.name)), scoresOf(event)) };
    case "cluster":
      return { state, scalars: told(wallTime, state.step, clusterScalars(event)) };
    default:
      return { state, scalars: null };
  }
}

/** "train-2": round 2 begins where round 1 has ended. */
function stepped(phase: string, step: number, steps: number): CurveState {
  const round = Number(/^train-(\d+)$/.exec(phase)?.[1] ?? 1);
  return { phase, step: (round - 1) * steps + step + 1 };
}

function told(wallTime: number, step: number, scalars: Record<string, number>): ScalarEvent | null {
  return Object.keys(scalars).length === 0 ? null : { wallTime, step, scalars };
}

/** "cam" and "seeds" come before the first round. */
function roundOf(name: string): number {
  return Number(/^round-(\d+)$/.exec(name)?.[1] ?? 0);
}

function scoresOf(event: RunEventRecord): Record<string, number> {
  if (event.name === "cam") return {};
  const { labels, val, changedShare } = event as {
    labels?: { miou: number | null } | null;
    val?: { miou: number | null; boundaryIou: number | null } | null;
    changedShare?: number | null;
  };
  return known({
    "miou/labels": labels?.miou,
    "miou/val": val?.miou,
    "boundary_iou/val": val?.boundaryIou,
    "labels/changed_share": changedShare,
  });
}

function clusterScalars(event: RunEventRecord): Record<string, number> {
  const workers = event.workers as readonly { state: string; waitShare: number }[];
  const active = workers.filter(({ state }) => state === "active");
  const waitShare = active.reduce((sum, worker) => sum + worker.waitShare, 0) / Math.max(1, active.length);
  return known({
    "cluster/images_per_second": Number(event.imagesPerSecond),
    "cluster/workers": active.length,
    "cluster/wait_share": waitShare,
  });
}

function known(values: Readonly<Record<string, number | null | undefined>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(values).filter((entry): entry is [string, number] => typeof entry[1] === "number"),
  );
}
