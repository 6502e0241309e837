/** Which results of work a worker still holds, for a repeated request or a slow pull. */

export interface KeptWork {
  /** Of training: names the step. Its sums are as large as the model. Null: other work. */
  readonly step: string | null;
}

/** The current piece and the last three. */
const keptMax = 4;
/** A step is asked for once all of the step before is there; pulls that nobody waits for any more may still end meanwhile. */
const stepsMax = 2;

/** Keys of what nobody can ask for any more. `kept`: the oldest first. */
export function outdated(kept: ReadonlyMap<string, KeptWork>): string[] {
  const latestFirst = [...kept.values()].flatMap(({ step }) => step ?? []).reverse();
  const steps = [...new Set(latestFirst)].slice(0, stepsMax);
  const isOld = ({ step }: KeptWork, i: number) => i < kept.size - keptMax || (step !== null && !steps.includes(step));
  return [...kept].filter(([, work], i) => isOld(work, i)).map(([key]) => key);
}
