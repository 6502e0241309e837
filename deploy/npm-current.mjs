/**
 * Exits 0 when node_modules holds what package-lock.json asks for. npm notes what it has installed in
 * node_modules/.package-lock.json; packages for other platforms are optional and missing there. --omit=dev: what only
 * builds and tests need may be missing.
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");

function readPackages(path) {
  try {
    return JSON.parse(readFileSync(join(root, path), "utf8")).packages;
  } catch {
    return {};
  }
}

const withDev = !process.argv.includes("--omit=dev");
const wanted = Object.entries(readPackages("package-lock.json")).filter(
  ([path, { dev, devOptional }]) => path !== "" && (withDev || !(dev || devOptional)),
);
const installed = readPackages("node_modules/.package-lock.json");
const isCurrent = ([path, { version, optional }]) =>
  installed[path]?.version === version || (optional && !installed[path]);
process.exitCode = wanted.length > 0 && wanted.every(isCurrent) ? 0 : 1;
