// Generates TypeScript types from proto/ into shared/gen, and a program from wasm/wire. `--check` fails when the committed files are stale.
import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import asc from "assemblyscript/asc";

const target = "shared/gen";
const fresh = mkdtempSync(join(tmpdir(), "seedgrow-gen-"));
// The options equal those of shared/net/proto.ts: the types would lie otherwise.
const options = ["--longs=Number", "--enums=String", "--defaults", "--oneofs", "--grpcLib=@grpc/grpc-js"];
const files = [
  "seedgrow/v1/blobs.proto",
  "seedgrow/v1/worker.proto",
  "seedgrow/v1/tunnel.proto",
  "seedgrow/v1/peers.proto",
];
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
// Rounding and writing what travels is compiled into a module, so that whoever imports it has it, built or not.
const program = "shared/math/wire-program.ts";
const compiled = join(fresh, "wire.wasm");
const { error, stderr } = await asc.main([
  ...["wasm/wire/index.ts", "--outFile", compiled],
  ...["-O3", "--runtime", "stub", "--noAssert", "--importMemory", "--enable", "simd"],
]);
if (error) throw new Error(stderr.toString());
const base64 = readFileSync(compiled).toString("base64");
rmSync(compiled);
const programText = `/** wasm/wire, compiled: \`npm run gen\`. */\nexport const wireProgram =\n  "${base64}";\n`;

if (process.argv.includes("--check")) {
  const same =
    list(fresh).join() === list(target).join() &&
    list(fresh).every((name) => readFileSync(join(fresh, name), "utf8") === readFileSync(join(target, name), "utf8")) &&
    readFileSync(program, "utf8") === programText;
  rmSync(fresh, { recursive: true });
  if (!same) {
    process.stderr.write("shared/gen or shared/math/wire-program.ts is stale: run `npm run gen` and commit it\n");
    process.exit(1);
  }
} else {
  writeFileSync(program, programText);
  rmSync(target, { recursive: true, force: true });
  cpSync(fresh, target, { recursive: true });
  rmSync(fresh, { recursive: true });
}
