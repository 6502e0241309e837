// Compiles wasm/ (AssemblyScript) to dist/worker/wasm/kernels.wasm. Prints nothing unless something is wrong.
import { mkdirSync } from "node:fs";
import asc from "assemblyscript/asc";

mkdirSync("dist/worker/wasm", { recursive: true });
const options = ["-O3", "--runtime", "stub", "--noAssert", "--importMemory", "--enable", "simd"];
const { error, stderr } = await asc.main(["wasm/index.ts", "--outFile", "dist/worker/wasm/kernels.wasm", ...options]);
process.stderr.write(stderr.toString());
if (error) process.exitCode = 1;
