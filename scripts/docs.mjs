// Writes the generated pages below docs/ from the compiled program (`npm run docs` builds first). `--check` fails when stale.
import { readFileSync, writeFileSync } from "node:fs";

const { generatedPages } = await import("../dist/cli/docs/pages.js");
const read = (path) => {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
};
const stale = Object.entries(await generatedPages()).filter(([path, text]) => read(path) !== text);
if (process.argv.includes("--check")) {
  for (const [path] of stale) process.stderr.write(`${path} is stale: run \`npm run docs\` and commit it\n`);
  process.exitCode = stale.length > 0 ? 1 : 0;
} else {
  for (const [path, text] of stale) writeFileSync(path, text);
}
