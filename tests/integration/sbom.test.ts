/** The list of what is installed is whole, and nothing in it is loose. */
import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { findNatsServer } from "../../shared/tool-paths.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const script = fileURLToPath(new URL("../../scripts/sbom.mjs", import.meta.url));

interface Bom {
  readonly bomFormat: string;
  readonly components: readonly {
    readonly name: string;
    readonly version: string;
    readonly purl: string;
    readonly hashes?: readonly { readonly alg: string }[];
  }[];
}

interface PackageFile {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly optionalDependencies: Readonly<Record<string, string>>;
}

const { dependencies, devDependencies, optionalDependencies } = JSON.parse(
  readFileSync(`${root}/package.json`, "utf8"),
) as PackageFile;

test("the SBOM has every package that runs, with its digest, nats-server and TensorFlow, and no tool of ours", () => {
  const said = execFileSync(process.execPath, [script], { cwd: root, encoding: "utf8", maxBuffer: 64 * 1024 * 1024 });
  const bom = JSON.parse(said) as Bom;
  expect(bom.bomFormat).toBe("CycloneDX");
  const listed = new Map(bom.components.map((one) => [one.purl, one]));
  for (const [name, version] of Object.entries(dependencies)) {
    expect(listed.get(`pkg:npm/${name.replace("@", "%40")}@${version}`)?.hashes, name).toMatchObject([
      { alg: "SHA-512" },
    ]);
  }
  const names = new Set(bom.components.map(({ name }) => name));
  expect(names).not.toContain("vitest");
  if (findNatsServer(process.env) !== null) expect(names).toContain("nats-server");
  for (const { purl } of bom.components) expect(purl).toMatch(/^pkg:(npm|pypi|golang)\//);
});

test("versions are exact, and the lock names no host", () => {
  for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies, ...optionalDependencies }))
    expect(version, name).toMatch(/^\d+\.\d+\.\d+(-[\w.]+)?$/);
  const lock = readFileSync(`${root}/package-lock.json`, "utf8");
  expect(lock).not.toContain('"resolved": "http');
});

test("a wrong flag is told how it goes", () => {
  const { status, stderr } = spawnSync(process.execPath, [script, "--format", "x"], { encoding: "utf8" });
  expect([status, stderr]).toEqual([2, expect.stringContaining("usage: npm run sbom")]);
});
