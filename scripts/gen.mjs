// Generates TypeScript types from proto/ into shared/gen, and programs from wasm/ into shared/math and shared/data. `--check` fails
// when the committed files are stale.
import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compile } from "./asc.mjs";

const target = "shared/gen";
const fresh = mkdtempSync(join(tmpdir(), "seedgrow-gen-"));
// The options equal those of shared/net/proto.ts: the types would lie otherwise.
const options = ["--longs=Number", "--enums=String", "--defaults", "--oneofs", "--grpcLib=@grpc/grpc-js"];
const files = ["seedgrow/v1/blobs.proto", "seedgrow/v1/worker.proto", "seedgrow/v1/tunnel.proto"];
execFileSync(
  process.execPath,
  [
    "node_modules/@grpc/proto-loader/build/bin/proto-loader-gen-types.js",
    ...options,
    "--targetFileExtension=.ts",
    "--importFileExtension=.js",
    "--includeDirs=proto",
    `--outDir=${fresh}`,
    ...files,
  ],
  { stdio: ["ignore", "ignore", "inherit"] },
);

function list(dir) {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(dir.length + 1))
    .sort();
}

for (const name of list(fresh)) {
  const path = join(fresh, name);
  writeFileSync(path, readFileSync(path, "utf8").replaceAll(fresh, ""));
}
// Programs that are text in a module, so that whoever imports it has them, built or not.
const programs = new Map();
const places = { wire: "shared/math", vectors: "shared/math", resample: "shared/data" };
for (const [name, place] of Object.entries(places)) {
  const program = await compile(`wasm/${name}/index.ts`, { isShared: name !== "resample" });
  const base64 = Buffer.from(program).toString("base64");
  programs.set(
    `${place}/${name}-program.ts`,
    `/** wasm/${name}, compiled: \`npm run gen\`. */\nexport const ${name}Program =\n  "${base64}";\n`,
  );
}

if (process.argv.includes("--check")) {
  const same =
    list(fresh).join() === list(target).join() &&
    list(fresh).every((name) => readFileSync(join(fresh, name), "utf8") === readFileSync(join(target, name), "utf8")) &&
    [...programs].every(([path, text]) => readFileSync(path, "utf8") === text);
  rmSync(fresh, { recursive: true });
  if (!same) {
    process.stderr.write(
      "shared/gen or a program in shared/math or shared/data is stale: run `npm run gen` and commit it\n",
    );
    process.exit(1);
  }
} else {
  for (const [path, text] of programs) writeFileSync(path, text);
  rmSync(target, { recursive: true, force: true });
  cpSync(fresh, target, { recursive: true });
  rmSync(fresh, { recursive: true });
}
