/** Prints "PASSED FAILED SKIPPED" from vitest's JSON report: count-tests.mjs REPORT VITEST_EXIT_CODE. */

import { readFileSync } from "node:fs";

const [reportPath, exitCode] = process.argv.slice(2);

function readReport() {
  try {
    return JSON.parse(readFileSync(reportPath, "utf8"));
  } catch {
    return { numPassedTests: 0, numFailedTests: 0, numPendingTests: 0, testResults: [] }; // vitest died before writing it
  }
}

const report = readReport();
/** Files that fail as a whole (a syntax error, a failing beforeAll) have no failed test of their own. */
const filesFailed = report.testResults.filter(
  ({ status, assertionResults }) => status === "failed" && !assertionResults.some((test) => test.status === "failed"),
).length;
const counted = report.numFailedTests + filesFailed;
const failed = exitCode !== "0" && counted === 0 ? 1 : counted;
console.log(report.numPassedTests, failed, report.numPendingTests + (report.numTodoTests ?? 0));
