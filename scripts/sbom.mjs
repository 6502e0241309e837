#!/usr/bin/env node
/**
 * What is installed, as a CycloneDX list: npm's packages with their digests, and what npm knows nothing of, TensorFlow's
 * library and nats-server. `npm run sbom [-- --out sbom.json]`.
 */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

const usage = "usage: npm run sbom [-- --out FILE]\n";
const root = dirname(import.meta.dirname);
const engine = join(root, "node_modules/@tensorflow/tfjs-node-gpu/deps");

/** `npm sbom --omit dev` leaves out what our tools need as well as the program: so all are listed, then the tools' taken out. */
function npmComponents() {
  const args = ["sbom", "--sbom-format", "cyclonedx", "--sbom-type", "application"];
  const bom = JSON.parse(execFileSync("npm", args, { cwd: root, encoding: "utf8", maxBuffer: 64 * 1024 * 1024 }));
  const { packages } = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8"));
  const running = new Set();
  for (const [path, { version, dev }] of Object.entries(packages))
    if (path !== "" && !dev) running.add(`${path.split("node_modules/").at(-1)}@${version}`);
  const isKept = (ref) => ref === bom.metadata.component["bom-ref"] || running.has(ref.replace(/\|.*$/, ""));
  const components = bom.components.filter(({ name, version }) => running.has(`${name}@${version}`));
  const dependencies = bom.dependencies
    .filter(({ ref }) => isKept(ref))
    .map((one) => {
      return { ...one, dependsOn: one.dependsOn.filter(isKept) };
    });
  return { ...bom, components, dependencies };
}

/** The engine's own record says from what it was made; it has nothing where setup has installed none. */
async function tensorflow() {
  const record = existsSync(engine) ? join(dirname(realpathSync(engine)), "engine.json") : "";
  if (!existsSync(record)) return [];
  const { tensorflow: version, cuda, source } = JSON.parse(readFileSync(record, "utf8"));
  const { PINNED_WHEEL } = await import("../deploy/engine/recipes.mjs");
  const name = cuda ? "tensorflow" : PINNED_WHEEL.name;
  const isPinned = !cuda && version === PINNED_WHEEL.version;
  const hashes = isPinned ? [{ alg: "SHA-256", content: PINNED_WHEEL.sha256 }] : [];
  const properties = [{ name: "seedgrow:source", value: source }];
  return [{ type: "library", name, version, purl: `pkg:pypi/${name}@${version}`, hashes, properties }];
}

async function natsServer() {
  const { findNatsServer } = await import("../dist/shared/tool-paths.js");
  const path = findNatsServer(process.env);
  if (path === null) return [];
  const said = execFileSync(path, ["--version"], { encoding: "utf8" });
  const version = /v(\d[\w.]*)/.exec(said)?.[1] ?? "unknown";
  return [
    {
      type: "application",
      name: "nats-server",
      version,
      purl: `pkg:golang/github.com/nats-io/nats-server@v${version}`,
    },
  ];
}

const [flag, path, ...rest] = process.argv.slice(2);
if (flag !== undefined && (flag !== "--out" || path === undefined || rest.length > 0)) {
  process.stderr.write(usage);
  process.exitCode = flag === "--help" ? 0 : 2;
} else {
  const bom = npmComponents();
  bom.components.push(...(await tensorflow()), ...(await natsServer()));
  const text = `${JSON.stringify(bom, null, 2)}\n`;
  if (path === undefined) process.stdout.write(text);
  else writeFileSync(path, text);
}
