/** Before suites that start `seedgrow`: dist/ must be what the sources say. */
import { execFileSync } from "node:child_process";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const sources = [
  "cli",
  "coordinator",
  "worker",
  "shared",
  "wasm",
  "proto",
  "scripts",
  "web",
  "assets",
  "tsconfig.json",
  "tsconfig.build.json",
];

export default function buildIfStale(): void {
  if (newestMs(sources.map((name) => join(root, name))) <= modifiedMs(join(root, "dist/cli/main.js"))) return;
  process.stderr.write("dist/ is older than the sources: building\n");
  execFileSync("npm", ["run", "--silent", "build"], { cwd: root, stdio: ["ignore", "inherit", "inherit"] });
}

function newestMs(paths: readonly string[]): number {
  return Math.max(0, ...paths.map((path) => (statSync(path).isDirectory() ? newestBelow(path) : modifiedMs(path))));
}

function newestBelow(dir: string): number {
  return Math.max(
    0,
    ...readdirSync(dir, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !entry.name.endsWith(".test.ts"))
      .map((entry) => modifiedMs(join(entry.parentPath, entry.name))),
  );
}

function modifiedMs(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
