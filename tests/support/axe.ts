/** axe-core (Deque) in a page: what keeps people with a screen reader or a keyboard from using it, by rule and place. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Chromium } from "./chromium.js";

const source = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Empty: nothing found. */
export async function axeProblems(page: Chromium): Promise<string[]> {
  await page.ask(`${source}; undefined`);
  return page.ask(`axe.run(document, { resultTypes: ["violations"] }).then(({ violations }) =>
    violations.flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) => id + " " + target + ": " + failureSummary)))`);
}
