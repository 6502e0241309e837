// Compiles wasm/ (AssemblyScript) to dist/worker/wasm/. Prints nothing unless something is wrong.
import { mkdirSync } from "node:fs";
import asc from "assemblyscript/asc";

// Two programs: the digest of the engine's kernels is part of its fingerprint.
const programs = { "wasm/index.ts": "kernels", "wasm/crop/index.ts": "crop" };
const options = ["-O3", "--runtime", "stub", "--noAssert", "--importMemory", "--enable", "simd"];
mkdirSync("dist/worker/wasm", { recursive: true });
for (const [source, name] of Object.entries(programs)) {
  const { error, stderr } = await asc.main([source, "--outFile", `dist/worker/wasm/${name}.wasm`, ...options]);
  process.stderr.write(stderr.toString());
  if (error) process.exitCode = 1;
}
