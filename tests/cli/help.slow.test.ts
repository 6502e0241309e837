/** Every command explains itself, and a mistake is answered with what to do. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { runConfigSchema, runEnvPrefix } from "../../coordinator/config.js";
import { listKeys } from "../../shared/config/resolve.js";
import { seedgrow } from "./program.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const empty = mkdtempSync(join(tmpdir(), "seedgrow-cli-"));
afterAll(() => rmSync(empty, { recursive: true, force: true }));

/** As the program lists them itself: a new command is tested without being named here. */
async function commandsOf(...parent: readonly string[]): Promise<string[][]> {
  const { stdout } = await seedgrow([...parent, "--help"]);
  const [, list = ""] = stdout.split("Commands:\n");
  const names = [...list.split("\n\n")[0]!.matchAll(/^ {2}([a-z0-9]+)/gm)]
    .map((match) => match[1]!)
    .filter((name) => name !== "help");
  return names.map((name) => [...parent, name]);
}

describe("help", () => {
  test("shows examples, for the program and for every command", async () => {
    const top = await commandsOf();
    expect(top.flat()).toEqual(expect.arrayContaining(["demo", "train", "status", "watch", "predict", "doctor"]));
    const nested = await commandsOf("data");
    const imports = await commandsOf("data", "import");
    const hosts = await commandsOf("hosts");
    expect([nested.length, imports.length, hosts.length]).toEqual([4, 3, 4]);
    // `data` and `data import` alone only list their commands.
    const groups = ["data", "data import"];
    const commands = [[], ...top, ...nested, ...imports, ...hosts].filter(
      (command) => !groups.includes(command.join(" ")),
    );
    for (const command of commands) {
      const { code, stdout } = await seedgrow([...command, "--help"]);
      expect([command, code, stdout]).toEqual([command, 0, expect.stringMatching(/Examples:\n {2}\$ /)]);
    }
  }, 120_000);

  test("names the exit codes", async () => {
    expect((await seedgrow(["--help"])).stdout).toContain("docs/ERRORS.md");
  });
});

test("a reader who has seen enough ends the program without a word", async () => {
  const script = `"${process.execPath}" bin/seedgrow --help | true; echo "\${PIPESTATUS[0]}"`;
  const { stdout, stderr } = spawnSync("bash", ["-c", script], { encoding: "utf8", cwd: root });
  expect([stdout, stderr]).toEqual(["0\n", ""]);
});

test("flags for what people compare name the values that there are", async () => {
  const { stdout } = await seedgrow(["train", "--help"]);
  const words = stdout.replace(/\s+/g, " ");
  for (const [key, unlisted] of [
    ["method.segmenter.network", /linear/],
    ["method.refine.updater", null],
    ["cluster.topology", null],
    ["cluster.wire", null],
    ["cluster.sync", null],
  ] as const) {
    const { type } = listKeys(runConfigSchema, runEnvPrefix).find((one) => one.key === key)!;
    const names = type.replace("one of ", "").split(", ");
    for (const name of names.filter((one) => !unlisted?.test(one))) expect(words).toContain(name);
  }
  const wrong = ["--network", "fcn9", "--updater", "vote", "--rounds", "0", "--workers-min", "0"];
  wrong.push("--topology", "ring", "--wire", "fp8");
  const { code, stderr } = await seedgrow(["train", "--data", "nowhere", ...wrong]);
  expect(code).toBe(2);
  for (const told of ['method.segmenter.network = "fcn9"', 'method.refine.updater = "vote"', "method.rounds = 0"])
    expect(stderr).toContain(told);
  for (const told of ['cluster.topology = "ring"', 'cluster.wire = "fp8"', "cluster.workersMin = 0"])
    expect(stderr).toContain(told);
});

describe("a mistake", () => {
  test("of a flag that would change nothing is said", async () => {
    const { code, stderr } = await seedgrow(["train", "--data", "nowhere", "--replicas", "4"]);
    expect(code).toBe(2);
    expect(stderr).toContain('--replicas 4 means nothing with cluster.sync = "step": add --sync local');
  });

  test("in a setting's name suggests the right one, before anything is read", async () => {
    const { code, stderr } = await seedgrow([
      ...["train", "--data", "nowhere", "--local", "1"],
      ...["--set", "method.segmenter.stepz=3", "--set", "method.rounds=0"],
    ]);
    expect(code).toBe(2);
    expect(stderr).toContain('unknown key "method.segmenter.stepz": did you mean "method.segmenter.steps"?');
    expect(stderr).toContain("method.rounds = 0:");
    expect(stderr).toContain("docs/CONFIG.md");
  });

  test("in a command's name suggests the right one", async () => {
    const { code, stderr } = await seedgrow(["trian"]);
    expect(code).not.toBe(0);
    expect(stderr).toContain("Did you mean train?");
  });

  test.each(["status", "watch", "stop", "resume"])("in a run's name is told by %s", async (command) => {
    const { code, stderr } = await seedgrow([command, "nope", "--runs", empty]);
    expect([code, stderr]).toEqual([2, expect.stringContaining(`[RUN_NOT_FOUND] no run named "nope" in ${empty}`)]);
  });

  test("in --nats says that nobody answers there", async () => {
    const { code, stderr } = await seedgrow(["status", "--nats", "nats://127.0.0.1:1"]);
    expect([code, stderr]).toEqual([4, expect.stringContaining("[BROKER_UNREACHABLE]")]);
  });

  test("in a model's name is told before an engine loads", async () => {
    const { code, stderr } = await seedgrow(["predict", "--model", "nope", "--runs", empty, "--out", empty, "a.jpg"]);
    expect([code, stderr]).toEqual([2, expect.stringContaining("[RUN_NOT_FOUND]")]);
  });
});

describe("an empty folder of runs", () => {
  test("is no error", async () => {
    expect(await seedgrow(["runs", "--runs", empty, "--json"])).toMatchObject({ code: 0, stdout: "[]\n" });
    expect(await seedgrow(["status", "--runs", empty, "--json"])).toMatchObject({ code: 0, stdout: "[]\n" });
    expect(await seedgrow(["runs", "--runs", empty])).toMatchObject({ code: 0, stdout: "" });
  });
});
