/** The programs that seedgrow runs on or is set up with. */
import { execFile } from "node:child_process";
import { type Check, fail, ok, warn } from "./finding.js";

/** As package.json's engines say. */
const nodeMin = [20, 12] as const;

export function toolChecks(): Check[] {
  const setupOnly = "deploy/setup.sh needs it to install the engine; an installed engine works without.";
  return [
    { name: "node", run: async () => judgeNode(process.versions.node) },
    {
      name: "compiler",
      run: () => anyOf([process.env.CXX ?? "", "c++", "g++", "clang++"], `Install a C++ compiler: ${setupOnly}`),
    },
    { name: "python", run: () => anyOf([process.env.PYTHON ?? "", "python3"], `Install Python 3: ${setupOnly}`) },
  ];
}

export function judgeNode(version: string) {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const isNewEnough = major > nodeMin[0] || (major === nodeMin[0] && minor >= nodeMin[1]);
  return isNewEnough ? ok(version) : fail(version, `Install Node ${nodeMin.join(".")} or newer: https://nodejs.org`);
}

/** The first of the programs that answers to --version. */
async function anyOf(names: readonly string[], advice: string) {
  for (const name of names.filter((candidate) => candidate !== "")) {
    const version = await versionOf(name);
    if (version !== null) return ok(version);
  }
  return warn("not found", advice);
}

function versionOf(program: string): Promise<string | null> {
  return new Promise((resolve) => {
    execFile(program, ["--version"], { timeout: 10_000 }, (error, stdout) => {
      resolve(error ? null : (stdout.split("\n")[0] ?? program).trim());
    });
  });
}
