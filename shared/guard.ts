/**
 * Runs a program that must not outlive us: `node guard.js PROGRAM ARGS...`. When our standard input ends (the starter
 * has gone, even by SIGKILL), the program is stopped.
 */
import { spawn } from "node:child_process";

const [program, ...args] = process.argv.slice(2);
if (!program) process.exit(2);
const child = spawn(program, args, { stdio: ["ignore", "inherit", "inherit"] });
const stop = () => child.kill("SIGTERM");
process.stdin.on("end", stop).on("error", stop).resume();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, stop);
child.on("error", () => process.exit(127));
child.on("exit", (code) => process.exit(code ?? 1));
