/**
 * `npm run sim -- --seed N --runs K [--trace] [--calm]`: K schedules from seed N on. A failing seed prints the command
 * that replays it; with --trace every step of a schedule is told.
 */
import { parseArgs } from "node:util";
import { simulate } from "./simulate.js";

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    runs: { type: "string", default: "1000" },
    trace: { type: "boolean", default: false },
    calm: { type: "boolean", default: false },
  },
});
const print = (line: string) => process.stdout.write(`${line}\n`);
const first = Number(values.seed);
const runs = Number(values.runs);
const startedMs = performance.now();
let [simulatedMs, actions, failures] = [0, 0, 0];
for (let seed = first; seed < first + runs; seed++) {
  const verdict = simulate(seed, { isCalm: values.calm, ...(values.trace ? { trace: print } : {}) });
  simulatedMs += verdict.simulatedMs;
  actions += verdict.actions;
  if (verdict.violation === null) continue;
  failures++;
  print(`seed ${seed}: ${verdict.violation}`);
  print(`  replay: npm run sim -- --seed ${seed} --runs 1 --trace`);
}
const seconds = (performance.now() - startedMs) / 1000;
const hours = (simulatedMs / 3_600_000).toFixed(1);
print(`${runs} schedules, ${failures} failed; ${hours} h simulated in ${seconds.toFixed(1)} s (${actions} actions)`);
process.exitCode = failures === 0 ? 0 : 1;
