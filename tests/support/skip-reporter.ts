/** Names every skipped test at the end, with the reason that it gives: vitest's own report counts them only. */
import type { Reporter, TestModule, Vitest } from "vitest/node";

export default class SkipReporter implements Reporter {
  private isFiltered = false;

  onInit({ config }: Vitest): void {
    this.isFiltered = config.testNamePattern !== undefined;
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    // What nobody asked for is not skipped.
    if (this.isFiltered) return;
    for (const { relativeModuleId, children } of modules) {
      for (const test of children.allTests("skipped")) {
        const result = test.result();
        const note = result.state === "skipped" ? result.note?.replace(/^SKIPPED: /, "") : undefined;
        process.stderr.write(`SKIPPED: ${relativeModuleId}: ${test.fullName}${note ? `: ${note}` : ""}\n`);
      }
    }
  }
}
