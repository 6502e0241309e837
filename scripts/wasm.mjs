// Compiles wasm/ (AssemblyScript) to dist/worker/wasm/, but for what `npm run gen` compiles. Prints nothing unless
// something is wrong.
import { mkdirSync, writeFileSync } from "node:fs";
import { compile } from "./asc.mjs";

// Two programs: the digest of the engine's kernels is part of its fingerprint.
const programs = { "wasm/index.ts": "kernels", "wasm/crop/index.ts": "crop" };
mkdirSync("dist/worker/wasm", { recursive: true });
for (const [source, name] of Object.entries(programs)) {
  writeFileSync(`dist/worker/wasm/${name}.wasm`, await compile(source, { isShared: name === "kernels" }));
}
