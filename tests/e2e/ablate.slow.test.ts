/** An ablation on real workers: interrupted, gone on, and with a variant that cannot be trained. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { metricNames, type TableRow } from "../../coordinator/ablation/table.js";
import { descendantsOf, kill, leftOver } from "../support/processes.js";
import { type Seedgrow, settings, Workplace } from "../support/seedgrow.js";
import { until } from "../support/until.js";

let place: Workplace;
beforeAll(async () => {
  place = new Workplace();
  await place.draw(8, 4);
  place.put(
    "ablation.yaml",
    JSON.stringify({
      datasets: { tiny: { data: "data" } },
      variants: [
        { name: "default", set: { "method.rounds": 1 } },
        { name: "no-pamr", set: { "method.rounds": 1, "method.seeds.pamrIterations": 0 } },
        // Passes every check of the settings, and cannot be loaded.
        { name: "broken", set: { "method.rounds": 1 }, backbone: "nowhere" },
      ],
    }),
  );
});
afterAll(() => place.clear());

function ablate(...more: readonly string[]): Seedgrow {
  return place.seedgrow("ablate", "--config", "ablation.yaml", "--local", "2", ...settings(), ...more);
}

function read(...path: string[]): string {
  return readFileSync(place.path("ablation", ...path), "utf8");
}

test("a plan is shown without training", async () => {
  const { stdout } = await ablate("--dry-run", "--seeds", "1,2").ends(0);
  expect(stdout).toContain("tiny.default.seed-1  open");
  expect(stdout).toMatch(/seedgrow train --data data --backbone scratch --seed 2 --set method.rounds=1 .* --local 2/);
  expect(stdout).toContain("6 cells, 6 to train");
  expect(existsSync(place.path("ablation"))).toBe(false);
});

test("a wrong setting of any variant is told before anything is trained", async () => {
  const { stderr } = await ablate("--set", "method.rounds=0").ends(2);
  expect(stderr).toContain("variant no-pamr: ");
  expect(stderr).toContain("method.rounds = ");
});

test("Ctrl-C stops cleanly, the same command goes on with the same run, and a failed cell stops nothing", async () => {
  const first = ablate("--set", "method.classifier.steps=12");
  const runId = await until("the first run", () => first.runId);
  const log = place.path("ablation", "runs", runId, "events.jsonl");
  await until("its workers", () => existsSync(log) && readFileSync(log, "utf8").includes('"worker-joined"'));
  const children = descendantsOf(first.pid).map(({ pid }) => pid);
  kill(first.pid, "SIGINT");
  await first.ends(130);
  expect(first.stderr).toContain("The same command goes on");
  expect(await leftOver(children, 2_000)).toEqual([]);
  expect(JSON.parse(read("cells", "tiny.default.seed-1.json"))).toMatchObject({ state: "running", runId });

  const second = await ablate("--set", "method.classifier.steps=12", "--json").ends(5);
  expect(second.stderr).toContain("[BACKBONE_INVALID]");
  expect(JSON.parse(read("cells", "tiny.default.seed-1.json"))).toMatchObject({ state: "done", runId });
  const { rows } = second.json<{ rows: TableRow[] }>();
  expect(rows.map(({ variant, done }) => [variant, done])).toEqual([
    ["default", [1]],
    ["no-pamr", [1]],
    ["broken", []],
  ]);
  expect(rows[2]!.failed).toMatchObject([{ seed: 1, code: "BACKBONE_INVALID" }]);
  for (const name of metricNames) expect(rows[0]!.metrics[name], name).toMatchObject({ deviation: null });
  expect(rows[0]!.metrics.labelMiou!.mean).toBeGreaterThan(0);
  expect(read("ablation.md")).toContain("0 of 1 (1 BACKBONE_INVALID)");
  const { width, height } = await sharp(place.path("ablation", "sheet-tiny.jpg")).metadata();
  expect([width, height]).toEqual([190 + 8 * 160, 4 * 120]);
});

test("what is done is not trained again", async () => {
  const runs = readdirSync(place.path("ablation", "runs"));
  const third = await ablate("--set", "method.classifier.steps=12", "--only", "default,no-pamr").ends(0);
  expect(readdirSync(place.path("ablation", "runs"))).toEqual(runs);
  expect(third.stderr).toBe("");
  expect(third.stdout).toContain("no-pamr");
});
