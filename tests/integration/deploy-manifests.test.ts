/** What deploy/ holds for Docker, Compose and Kubernetes is what those take, and agrees with the program. */
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { validate as validateDockerfile } from "dockerfile-utils";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { listKeys } from "../../shared/config/resolve.js";
import { exitCodes } from "../../shared/errors.js";
import { findNatsServer } from "../../shared/tool-paths.js";
import { workerConfigSchema, workerEnvPrefix } from "../../worker/config.js";
import { TestAuthority } from "../support/authority.js";
import { composeProblems, type Manifest, manifestsIn, readDeploy, schemaProblem, typeProblems } from "./manifests.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const base = ["namespace", "nats", "jobset", "network"].map((name) => readDeploy(`k8s/base/${name}.yaml`));
const kustomizations = ["base", "gpu"].map((name) => readDeploy(`k8s/${name}/kustomization.yaml`));
const manifests = [...base, ...kustomizations].flatMap(manifestsIn);
const hasKubectl = spawnSync("kubectl", ["kustomize", "--help"]).status === 0;

describe("Kubernetes", () => {
  test("every manifest is what the published API takes, to the last field", { timeout: 120_000 }, async () => {
    expect(manifests.length).toBeGreaterThan(12);
    expect(typeProblems(manifests)).toEqual([]);
    expect((await Promise.all(manifests.map(schemaProblem))).filter(Boolean)).toEqual([]);
  });

  test("a misspelt field, a wrong type and a missing part are noticed", { timeout: 120_000 }, async () => {
    const spoilt = (from: string, to: string) => manifestsIn(base.join("\n---\n").replace(from, to));
    const cases: [string, string, RegExp][] = [
      ["startupProbe", "startUpProbe", /startUpProbe/],
      ["maxUnavailable: 1", "maxUnavailabel: 1", /maxUnavailabel/],
      ["replicas: 3", 'replicas: "3"', /ype 'string' is not assignable to type 'number'/],
      ["failurePolicy", "failurePolicies", /failurePolicies/],
      ["grpc: { port: 7003 }", "grpc: { port: health }", /ype 'string' is not assignable to type 'number'/],
    ];
    // All at once: each time the checker reads the whole API.
    const problems = typeProblems(cases.flatMap(([from, to]) => spoilt(from, to)));
    expect(problems).toHaveLength(cases.length);
    for (const [, , problem] of cases) expect(problems.join("\n")).toMatch(problem);
  });

  test.skipIf(!hasKubectl)(
    "kubectl puts both variants together (skipped without kubectl)",
    { timeout: 120_000 },
    () => {
      const built = ["base", "gpu"].map((name) => {
        const { status, stdout, stderr } = spawnSync("kubectl", ["kustomize", join(root, "deploy/k8s", name)], {
          encoding: "utf8",
        });
        expect([status, stderr]).toEqual([0, ""]);
        return manifestsIn(stdout);
      });
      expect(typeProblems(built.flat())).toEqual([]);
      const limits = (variant: Manifest[]) => JSON.stringify(variant.find(({ kind }) => kind === "JobSet"));
      expect(limits(built[1]!)).toContain('"nvidia.com/gpu":1');
      expect(limits(built[0]!)).not.toContain("nvidia.com/gpu");
    },
  );

  test("no pod has privileges, a writable root or the API's token", () => {
    const specs = podSpecs(manifests);
    expect(specs).toHaveLength(3);
    for (const spec of specs) {
      expect(spec).toMatchObject({ automountServiceAccountToken: false, securityContext: { runAsNonRoot: true } });
      for (const { securityContext } of spec.containers)
        expect(securityContext).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ["ALL"] },
        });
    }
  });

  test("jobs are not tried again after the exit codes of wrong settings and data", () => {
    expect(base.join()).toContain(`values: [${exitCodes.usage}, ${exitCodes.data}]`);
  });

  test("nats-server takes its configuration", async () => {
    const authority = await TestAuthority.create();
    const dir = mkdtempSync(join(tmpdir(), "seedgrow-nats-"));
    try {
      // users.conf is written for a broker that `nats-config` knows.
      const node = await authority.add("nats", "broker");
      const { configureNats, refresh } = await import("../../cli/certs/refresh.js");
      await configureNats(authority.dir, "nats", { listen: "127.0.0.1:0", storeDir: dir, certsDir: node });
      await refresh(authority.dir, Date.now());
      cpSync(node, join(dir, "certs"), { recursive: true });
      mkdirSync(join(dir, "etc/nats"), { recursive: true });
      const config = readDeploy("k8s/base/nats.conf")
        .replaceAll('"/certs/', `"${dir}/certs/`)
        .replace('"/data"', `"${dir}/data"`);
      writeFileSync(join(dir, "etc/nats/nats.conf"), config);
      const env = { ...process.env, POD_NAME: "nats-0" };
      const args = ["-t", "-c", join(dir, "etc/nats/nats.conf")];
      const { status, stderr } = spawnSync(findNatsServer(process.env)!, args, { env, encoding: "utf8" });
      expect([status, stderr]).toEqual([0, expect.stringContaining("is valid")]);
    } finally {
      rmSync(dir, { recursive: true });
      authority.clear();
    }
  });
});

interface PodSpec {
  readonly containers: readonly { readonly securityContext: object }[];
}

function podSpecs(all: readonly Manifest[]): PodSpec[] {
  const found: PodSpec[] = [];
  JSON.stringify(all, (_, value) => {
    if (Array.isArray(value?.containers)) found.push(value as PodSpec);
    return value;
  });
  return found;
}

describe("Compose", () => {
  const names = ["compose", "gpu", "chaos"];

  test.each(names)("%s.yaml fits the Compose specification", (name) => {
    expect(composeProblems(readDeploy(`compose/${name}.yaml`))).toEqual([]);
  });

  test("a misspelt field is noticed", () => {
    const text = readDeploy("compose/compose.yaml").replace("stop_grace_period", "stop_grace_time");
    expect(composeProblems(text)).toContain("/services/worker must NOT have additional properties");
  });

  test("overlays change services that there are", () => {
    const services = (name: string) => {
      return (
        parse(readDeploy(`compose/${name}.yaml`), { merge: true }) as { services: Record<string, { image?: string }> }
      ).services;
    };
    const known = Object.keys(services("compose"));
    for (const overlay of ["gpu", "chaos"])
      for (const [name, { image }] of Object.entries(services(overlay)))
        expect(known.includes(name) || image !== undefined).toBe(true);
  });
});

describe("the image", () => {
  const dockerfile = readDeploy("docker/Dockerfile");

  test("nothing is wrong with the Dockerfile", () => {
    expect(validateDockerfile(dockerfile).map(({ message, range }) => `${range.start.line + 1}: ${message}`)).toEqual(
      [],
    );
    expect(validateDockerfile(dockerfile.replace("HEALTHCHECK --interval", "HEALTHCHECK --intervall"))).not.toEqual([]);
  });

  test("both targets run as nobody in particular, with a health check, from one runtime", () => {
    const stages = dockerfile.split(/^FROM /m).slice(1);
    const stage = (name: string) => stages.find((text) => text.split("\n")[0]!.endsWith(` AS ${name}`))!;
    for (const target of ["cpu", "cuda"]) {
      expect(stage(target)).toMatch(/^runtime AS /);
      expect(stage(target)).not.toMatch(/^USER/m);
    }
    expect(stage("runtime")).toMatch(/^USER 10001:10001$/m);
    expect(stage("runtime")).toMatch(/^HEALTHCHECK .*health\.mjs/m);
  });

  test("npm installs as deploy/setup.sh does: without the scripts of packages", () => {
    expect(dockerfile.indexOf("COPY .npmrc ")).toBeLessThan(dockerfile.indexOf("RUN npm ci"));
    expect(dockerfile).toContain("COPY .npmrc ");
  });

  test("nothing secret is in the context, and what is copied is", () => {
    const ignored = readFileSync(join(root, ".dockerignore"), "utf8").split("\n");
    expect(ignored).toContain("**");
    for (const path of [".npmrc", "bin", "deploy", "package-lock.json"]) expect(ignored).toContain(`!${path}`);
    for (const pattern of ["**/*.key", "**/*.pem"])
      expect(ignored.indexOf(pattern)).toBeGreaterThan(ignored.lastIndexOf("!worker"));
  });
});

test("every variable of a worker in these files is one that it reads", () => {
  const files = [
    "compose/compose.yaml",
    "k8s/base/jobset.yaml",
    "docker/entrypoint.sh",
    "slurm/common.sh",
    "slurm/workers.sbatch",
  ];
  const named = new Set(files.flatMap((file) => readDeploy(file).match(/SEEDGROW_WORKER_[A-Z]\w*/g) ?? []));
  const known = listKeys(workerConfigSchema, workerEnvPrefix).map(({ env }) => env);
  expect(named.size).toBeGreaterThan(3);
  expect([...named].filter((name) => !known.includes(name))).toEqual([]);
});
