/** Keeps stages.json and ellipse.json: what each stage achieved, for the report and for `train --json`. */
import type { StageRecord } from "../shared/data/run-record.js";
import type { Scores } from "../shared/math/scores.js";
import type { RunStore } from "./adapters/run-store.js";
import { type Phase, phaseKey } from "./core/plan.js";

export class StageBook {
  private readonly stages: StageRecord[];
  /** Of the stage being trained: [step, loss]. */
  losses: [number, number | null][] = [];
  private trainingSeconds = 0;

  constructor(
    private readonly store: RunStore,
    stages: readonly StageRecord[],
    private readonly onStage: (record: StageRecord) => void,
  ) {
    this.stages = [...stages];
  }

  /** A stage's time includes the training before it. */
  trained(seconds: number): void {
    this.trainingSeconds = seconds;
  }

  /** The losses of a stage that an earlier sitting began. */
  goOn(losses: readonly [number, number | null][]): void {
    this.losses = [...losses];
  }

  addLoss(phase: Phase, step: number, loss: number): void {
    if (step === 0) this.losses = [];
    if (isCurvePoint(step, phase.steps)) this.losses.push([step, finiteOrNull(loss)]);
  }

  async seeded(
    scores: { cam: Scores | null; labels: Scores | null; ellipse: Scores | null },
    seconds: number,
  ): Promise<void> {
    await this.store.writeEllipse({ train: scores.ellipse, val: null });
    await this.put({ ...blank("cam"), labels: scores.cam, losses: this.losses, seconds: this.trainingSeconds });
    await this.put({ ...blank("seeds"), labels: scores.labels, seconds, labelVersion: 0 });
  }

  async refined(round: number, labels: Scores | null, changedShare: number | null, seconds: number): Promise<void> {
    await this.put({
      ...blank(`round-${round}`),
      labels,
      changedShare,
      seconds: this.trainingSeconds + seconds,
      losses: this.losses,
      labelVersion: round,
    });
  }

  /** Of a stage; null where there is none. */
  changedShare(round: number): number | null {
    return this.stages.find(({ name }) => name === `round-${round}`)?.changedShare ?? null;
  }

  /** The round's labels are those of the round before. */
  async refused(round: number, seconds: number): Promise<void> {
    const kept = this.stages.find(({ name }) => name === `round-${round - 1}`);
    const { labels = null, labelVersion = null } = kept ?? {};
    const record = { ...blank(`round-${round}`), labels, labelVersion, changedShare: 0, losses: this.losses };
    await this.put({ ...record, seconds: this.trainingSeconds + seconds });
  }

  async evaluated(
    round: number,
    scores: { free: Scores | null; gated: Scores | null; ellipse: Scores | null },
    seconds: number,
  ): Promise<void> {
    const { train } = await this.store.readEllipse();
    await this.store.writeEllipse({ train, val: scores.ellipse });
    const name = `round-${round}`;
    const held = this.stages.find((stage) => stage.name === name) ?? blank(name);
    await this.put({ ...held, val: scores.free, valGated: scores.gated, seconds: held.seconds + seconds });
  }

  private async put(record: StageRecord): Promise<void> {
    this.upsert(record);
    await this.store.writeStages(this.stages);
    this.onStage(record);
  }

  private upsert(record: StageRecord): void {
    const at = this.stages.findIndex((stage) => stage.name === record.name);
    if (at >= 0) this.stages[at] = record;
    else this.stages.push(record);
  }
}

/** About a hundred points a stage draw the curve. */
export function isCurvePoint(step: number, steps: number): boolean {
  return step % Math.max(1, Math.floor(steps / 100)) === 0 || step === steps - 1;
}

/** A point of the curve in the event log. `step` counts from 0. */
export function stepEvent(phase: Phase, step: number, loss: number) {
  return { kind: "step", phase: phaseKey(phase), step, steps: phase.steps, loss: finiteOrNull(loss) };
}

function finiteOrNull(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

/** A stage's line in the event log: its main scores. */
export function stageEvent({ name, labels, val, valGated, changedShare, seconds }: StageRecord) {
  return {
    kind: "stage",
    name,
    labels: labels && { miou: labels.miou, precision: labels.precision, recall: labels.recall },
    val: val && { miou: val.miou, fgMiou: val.fgMiou, boundaryIou: val.boundaryIou },
    valGated: valGated && { miou: valGated.miou, fgMiou: valGated.fgMiou, boundaryIou: valGated.boundaryIou },
    changedShare,
    seconds,
  };
}

function blank(name: string): StageRecord {
  return {
    name,
    labels: null,
    val: null,
    valGated: null,
    seconds: 0,
    losses: [],
    changedShare: null,
    labelVersion: null,
  };
}
