// Compiles the simulation (incrementally) and runs it: `npm run sim -- --seed N --runs K`.
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync } from "node:fs";

const outDir = "node_modules/.cache/sim";
const options = [
  "--outDir",
  outDir,
  "--incremental",
  "--tsBuildInfoFile",
  `${outDir}/tsbuildinfo`,
  "--noEmit",
  "false",
];
execFileSync(process.execPath, ["node_modules/typescript/bin/tsc", "-p", "tests/sim", ...options], {
  stdio: "inherit",
});
cpSync("package.json", `${outDir}/package.json`);
const run = spawnSync(process.execPath, [`${outDir}/tests/sim/main.js`, ...process.argv.slice(2)], {
  stdio: "inherit",
});
process.exitCode = run.status ?? 1;
