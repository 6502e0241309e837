/** What a check of `seedgrow doctor` says. */

/** warn: it works, or would, with a limit worth knowing. fail: something will not run. */
export type Verdict = "ok" | "warn" | "fail";

export interface Finding {
  readonly name: string;
  readonly verdict: Verdict;
  /** What was found. */
  readonly value: string;
  /** What to do; null where nothing needs to be done. */
  readonly advice: string | null;
}

export interface Check {
  readonly name: string;
  readonly run: () => Promise<Omit<Finding, "name">>;
}

export const ok = (value: string) => ({ verdict: "ok", value, advice: null }) as const;
export const warn = (value: string, advice: string) => ({ verdict: "warn", value, advice }) as const;
export const fail = (value: string, advice: string) => ({ verdict: "fail", value, advice }) as const;

/** A check that throws has found something as well. */
export async function runCheck({ name, run }: Check): Promise<Finding> {
  try {
    return { name, ...(await run()) };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return {
      name,
      ...fail(`cannot be checked: ${reason}`, "Report this with the output of `seedgrow doctor --json`."),
    };
  }
}
