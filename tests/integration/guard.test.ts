/** The guard of the local broker: what it runs never outlives its starter. */
import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { afterEach, expect, test } from "vitest";
import { descendantsOf, kill, leftOver } from "../support/processes.js";
import { until } from "../support/until.js";

const guard = fileURLToPath(new URL("../../dist/shared/guard.js", import.meta.url));
let child: ChildProcess;
afterEach(() => {
  for (const pid of [child.pid!, ...descendantsOf(child.pid!).map((info) => info.pid)]) kill(pid);
});

/** The guard, running a Node script that has said that it is ready. */
async function guarded(script: string): Promise<number[]> {
  const program = `${script}; process.stdout.write("ready"); setInterval(() => {}, 1_000);`;
  child = spawn(process.execPath, [guard, process.execPath, "-e", program], { stdio: ["pipe", "pipe", "inherit"] });
  let said = "";
  child.stdout!.on("data", (data) => {
    said += data;
  });
  await until("the program to run", () => said.includes("ready"));
  return [child.pid!, ...descendantsOf(child.pid!).map(({ pid }) => pid)];
}

test("the program ends when the starter's end of the pipe is closed", async () => {
  const pids = await guarded("0");
  expect(pids).toHaveLength(2);
  child.stdin!.end();
  expect(await leftOver(pids, 5_000)).toEqual([]);
});

test("a program that does not want to end is killed", async () => {
  const pids = await guarded('process.on("SIGTERM", () => {})');
  child.stdin!.end();
  expect(await leftOver(pids, 10_000)).toEqual([]);
});

test("the program's own end is passed on with its exit code", async () => {
  child = spawn(process.execPath, [guard, process.execPath, "-e", "process.exit(7)"], {
    stdio: ["pipe", "ignore", "ignore"],
  });
  expect(await new Promise((resolve) => child.once("exit", resolve))).toBe(7);
});
