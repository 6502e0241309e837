import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type CommandWords, completionScript, shells } from "./shells.js";

const option = (flag: string, choices: string[] = []) => ({ flag, description: "d'x", takesValue: true, choices });
const commands: CommandWords[] = [
  {
    ...{ path: "", description: "", options: [option("--version")] },
    subcommands: [
      { name: "train", description: "it's a start" },
      { name: "data", description: "sets" },
    ],
  },
  { path: "train", description: "", subcommands: [], options: [option("--data"), option("--engine", ["auto", "cpu"])] },
  { path: "data", description: "", subcommands: [{ name: "check", description: "look" }], options: [] },
  { path: "data check", description: "", subcommands: [], options: [option("--masks")] },
];

/** What bash would offer after these words. */
function offered(...words: string[]): string[] {
  const script = `${completionScript("bash", commands)}
COMP_WORDS=(seedgrow ${words.map((word) => `'${word}'`).join(" ")}); COMP_CWORD=${words.length}
_seedgrow; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const said = execFileSync("bash", ["-c", script], { encoding: "utf8", cwd: import.meta.dirname });
  return said.split("\n").filter((line) => line !== "");
}

describe("in bash", () => {
  test("commands, their subcommands and options are offered where they fit", () => {
    expect(offered("")).toEqual(["train", "data", "--version", "--help"]);
    expect(offered("tr")).toEqual(["train"]);
    expect(offered("data", "")).toEqual(["check", "--help"]);
    expect(offered("data", "check", "--m")).toEqual(["--masks"]);
    expect(offered("train", "--d")).toEqual(["--data"]);
  });

  test("a closed list is offered after its option, and files after any other", () => {
    expect(offered("train", "--engine", "")).toEqual(["auto", "cpu"]);
    expect(offered("train", "--data", "shells.te")).toEqual(["shells.test.ts"]);
    expect(offered("train", "--data", "x", "--e")).toEqual(["--engine"]);
  });
});

for (const shell of shells) {
  const isThere = spawnSync(shell, ["-c", "true"]).status === 0;
  if (!isThere) process.stderr.write(`SKIPPED: ${shell} is not installed, its completion is not parsed\n`);
  test.skipIf(!isThere)(`${shell} parses its script`, () => {
    const dir = mkdtempSync(join(tmpdir(), "completion-"));
    writeFileSync(join(dir, "script"), completionScript(shell, commands));
    const parsed = spawnSync(shell, ["-n", join(dir, "script")], { encoding: "utf8" });
    rmSync(dir, { recursive: true });
    expect(parsed.stderr).toBe("");
    expect(parsed.status).toBe(0);
  });
}
