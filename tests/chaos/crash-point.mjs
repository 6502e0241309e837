// Preloaded into a coordinator (node --import): kills it at an exact durable write, as a power cut would.
// CRASH_POINT is JSON: { "file": "progress/progress-0002", "when": "before" | "after" | "torn" }. Files appear by rename.
// "torn": the name is there, half the bytes are not, as after a crash of a disk that did not flush.
// "files": only the write that makes it so many files in that folder.
import { readdirSync, statSync, truncateSync } from "node:fs";
import files from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { dirname } from "node:path";

const { file, when, files: filesWanted } = JSON.parse(process.env.CRASH_POINT);
const { rename } = files;
const die = () => process.kill(process.pid, "SIGKILL");

const wholeFiles = (dir) => readdirSync(dir).filter((name) => !name.endsWith(".tmp")).length;

files.rename = async (from, to) => {
  const isPoint = String(to).includes(file);
  if (isPoint && when === "before") die();
  if (isPoint && when === "torn") truncateSync(from, Math.floor(statSync(from).size / 2));
  await rename(from, to);
  if (isPoint && (!filesWanted || wholeFiles(dirname(to)) === filesWanted)) die();
};
syncBuiltinESMExports();
