/**
 * Runs a program that must not outlive us: `node guard.js PROGRAM ARGS...`. When our standard input ends (the starter
 * has gone, even by SIGKILL), the program is stopped: politely, then by SIGKILL.
 */
import { spawn } from "node:child_process";

const [program, ...args] = process.argv.slice(2);
if (!program) process.exit(2);
const child = spawn(program, args, { stdio: ["ignore", "inherit", "inherit"] });
/** Time to end in order. nats-server 2.9 never does when its disk is full. */
const patienceMs = 3_000;
const stop = () => {
  child.kill("SIGTERM");
  setTimeout(() => child.kill("SIGKILL"), patienceMs).unref();
};
process.stdin.on("end", stop).on("error", stop).resume();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, stop);
child.on("error", () => process.exit(127));
child.on("exit", (code) => process.exit(code ?? 1));
