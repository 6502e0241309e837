/** What somebody meets in the first minutes: questions, a plan, explanations, completion. The real program. */
import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse as parseYaml } from "yaml";
import { configFile, shownConfigKeys } from "../../cli/init/config-file.js";
import { runConfigSchema } from "../../coordinator/config.js";
import { errorCodes } from "../../shared/errors.js";
import { settings, Workplace } from "../support/seedgrow.js";

const place = new Workplace();
beforeAll(() => place.draw(12, 0));
afterAll(() => place.clear());

describe("init", () => {
  test("asks four questions, again where an answer makes no sense, and writes a file that train reads", async () => {
    const init = place.seedgrow("init");
    init.child.stdin!.end("nowhere\ndata/train\n\nmany\n2\ny\n");
    await init.ends(0);
    expect(init.stderr).toContain("there is no nowhere");
    expect(init.stderr).toContain("a number from 1 to 64");
    expect(init.stdout).toContain("Next: seedgrow train --config seedgrow.yaml --dry-run");
    const file = parseYaml(readFileSync(place.path("seedgrow.yaml"), "utf8"));
    expect(file).toEqual({ train: { data: "data/train", backbone: "scratch", quick: true, local: 2 } });
    const again = await place.seedgrow("init", "--data", "data/train").ends(2);
    expect(again.stderr).toContain("--force");
  });

  test("shows settings that exist, with their defaults: without the #, the file still says the default", () => {
    const text = configFile({ data: "photos", backbone: "", where: "nats://head:4222", quick: false });
    const tail = text.slice(text.indexOf("docs/CONFIG.md.") + "docs/CONFIG.md.".length);
    const settingsShown = parseYaml(tail.replaceAll(/^# /gm, ""));
    expect(runConfigSchema.parse(settingsShown)).toEqual(runConfigSchema.parse({}));
    expect(shownConfigKeys().length).toBeGreaterThan(10);
    expect(parseYaml(text).train).toMatchObject({ nats: "nats://head:4222" });
  });
});

describe("train --dry-run", () => {
  test("prints photos, phases, memory and time, and leaves nothing behind", async () => {
    const plan = await place.seedgrow("train", "--config", "seedgrow.yaml", "--dry-run").ends(0);
    expect(plan.stdout).toMatch(/12 photos in 1 shards, classes horse, zebra/);
    expect(plan.stdout).toMatch(/classifier +│ +160 │ +5120 │/);
    expect(plan.stdout).toMatch(/round 3 training/);
    expect(plan.stdout).toMatch(/memory +about \d\.\d GB/);
    expect(plan.stdout).toMatch(/time +about .*, from measurements/);
    expect(existsSync(place.path("runs"))).toBe(false);
  });

  test("reckons with an earlier run where there is one", async () => {
    const finished = place.train(["--local", "1"]);
    await finished.ends(0);
    const args = ["--data", "data/train", "--dry-run", "--json", ...settings()];
    const plan = (await place.seedgrow("train", ...args).ends(0)).json<{ basis: string; seconds: number }>();
    expect(plan.basis).toBe(`run ${finished.runId}`);
    expect(plan.seconds).toBeGreaterThan(0);
    expect(readdirSync(place.path("runs"))).toHaveLength(1);
  }, 120_000);
});

test("a config file's mistakes below train: are named; without data anywhere, init is", async () => {
  place.put("bad.yaml", "train:\n  dta: photos\n");
  const bad = await place.seedgrow("train", "--config", "bad.yaml").ends(2);
  expect(bad.stderr).toContain('Unrecognized key: "dta"');
  const none = await place.seedgrow("train").ends(2);
  expect(none.stderr).toContain("seedgrow init");
});

describe("explain", () => {
  test("every code, in whatever letters, and a near miss", async () => {
    const all = await place.seedgrow("explain").ends(0);
    for (const code of Object.keys(errorCodes)) expect(all.stdout).toContain(code);
    const one = await place.seedgrow("explain", "[no_workers]").ends(0);
    expect(one.stdout).toContain("exit code 5 (cluster)");
    expect(one.stdout).toContain("Try:\n  - runs/RUN/logs/worker-1.log");
    expect((await place.seedgrow("explain", "NO_WORKER").ends(2)).stderr).toContain("Did you mean NO_WORKERS?");
  });

  test("is what an error points to", async () => {
    const lost = await place.seedgrow("status", "nothing").ends(2);
    expect(lost.stderr).toContain("more: seedgrow explain RUN_NOT_FOUND");
  });
});

test("completion in a real bash knows the program's own commands", async () => {
  const launcher = fileURLToPath(new URL("../../bin/seedgrow", import.meta.url));
  const script = `source <(${process.execPath} ${launcher} completion bash)
COMP_WORDS=(seedgrow data import ho); COMP_CWORD=3; _seedgrow; echo "\${COMPREPLY[@]}"
COMP_WORDS=(seedgrow train --dry); COMP_CWORD=2; _seedgrow; echo "\${COMPREPLY[@]}"
COMP_WORDS=(seedgrow completion ""); COMP_CWORD=2; _seedgrow; echo "\${COMPREPLY[@]}"`;
  const bash = spawn("bash", ["-c", script]);
  let said = "";
  bash.stdout.on("data", (data) => {
    said += data;
  });
  await new Promise((resolve) => bash.once("close", resolve));
  expect(said).toMatch(/^horse2zebra\n--dry-run\n/);
});
