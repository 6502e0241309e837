/** How much better the masks became from the class activation maps to the last round. Pure. */
import type { StageRecord } from "../shared/data/run-record.js";

export interface DemoGain {
  /** Masks of the training photos against the true ones; null where there are no true masks. */
  readonly camLabelMiou: number | null;
  readonly lastLabelMiou: number | null;
  /** "round 3". */
  readonly lastStage: string;
  /** lastLabelMiou / camLabelMiou. */
  readonly ratio: number | null;
}

export function demoGain(stages: readonly StageRecord[]): DemoGain {
  const camLabelMiou = stages.find(({ name }) => name === "cam")?.labels?.miou ?? null;
  const last = stages.findLast(({ name }) => name.startsWith("round-"));
  const lastLabelMiou = last?.labels?.miou ?? null;
  const ratio = camLabelMiou && lastLabelMiou !== null ? lastLabelMiou / camLabelMiou : null;
  return { camLabelMiou, lastLabelMiou, lastStage: (last?.name ?? "").replace("-", " "), ratio };
}
