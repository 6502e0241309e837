/** Everything that parses text and folders from outside: settings, manifests, run folders, models, bus messages. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cp, mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe } from "vitest";
import { runConfigFrom } from "../../cli/options.js";
import { readBackbone } from "../../coordinator/adapters/backbone-files.js";
import { RunStore } from "../../coordinator/adapters/run-store.js";
import { Scratch } from "../../coordinator/adapters/scratch.js";
import { runConfigSchema, runEnvPrefix } from "../../coordinator/config.js";
import { decideRenewal, decideTake, leaseOwnerSchema } from "../../coordinator/core/leases.js";
import { judge } from "../../coordinator/core/members.js";
import { initialProgress } from "../../coordinator/progress.js";
import { MemoryFloats } from "../../shared/aggregate/floats.js";
import { sha256 } from "../../shared/codec/digest.js";
import { methodConfigSchema } from "../../shared/config/method.js";
import { listKeys, resolveConfig } from "../../shared/config/resolve.js";
import { manifestSchema } from "../../shared/data/manifest.js";
import type { RunRecord } from "../../shared/data/run-record.js";
import { labelCatalogueSchema, runSetupSchema } from "../../shared/data/run-setup.js";
import { savedModelFile } from "../../shared/data/saved-model.js";
import { AppError } from "../../shared/errors.js";
import { parseJson } from "../../shared/net/bus.js";
import { controlRequestSchema, workerBeatSchema } from "../../shared/net/subjects.js";
import { protocolVersion } from "../../shared/version.js";
import { workerConfigSchema, workerEnvPrefix } from "../../worker/config.js";
import { Predictor, readModel } from "../../worker/predict.js";
import { damagedBytes, damagedJson } from "./mutate.js";
import { fuzz } from "./survives.js";

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "seedgrow-fuzz-"));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** Schema errors reach the user through their callers, which name the file: the same is done here. */
function orInvalid<T>(parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    if ((cause as Error).name === "ZodError" || (cause as Error).name === "$ZodError")
      throw new AppError("CHECKPOINT_INVALID", "schema", { cause });
    throw cause;
  }
}

describe("settings", () => {
  const defaults = runConfigSchema.parse({});
  const keys = listKeys(runConfigSchema, runEnvPrefix);
  const value = fc.oneof(
    fc.string({ unit: "binary", maxLength: 20 }),
    fc.jsonValue({ maxDepth: 2 }).map((json) => JSON.stringify(json)),
  );
  const set = fc.oneof(
    fc
      .tuple(
        fc.constantFrom(...keys.map(({ key }) => key), "__proto__.polluted", "constructor.prototype.polluted"),
        value,
      )
      .map((pair) => pair.join("=")),
    fc.string({ maxLength: 30 }),
  );
  fuzz("on the command line", 0.04, fc.array(set, { maxLength: 4 }), (sets) =>
    resolveConfig(runConfigSchema, runEnvPrefix, { env: {}, sets }),
  );
  const variable = fc.tuple(fc.constantFrom(...keys.map(({ env }) => env)), value);
  fuzz("in the environment", 0.02, fc.array(variable, { maxLength: 3 }), (pairs) => {
    return resolveConfig(runConfigSchema, runEnvPrefix, { env: Object.fromEntries(pairs), sets: [] });
  });
  fuzz("in a file", 0.04, damagedJson([defaults]), (content) => {
    return resolveConfig(runConfigSchema, runEnvPrefix, {
      file: { name: "f", content: JSON.parse(JSON.stringify(content) ?? "null") },
      env: {},
      sets: [],
    });
  });
  const yaml = new Uint8Array(Buffer.from("seed: 1\nmethod: &m\n  rounds: 2\n  cam: {scales: [1, 2]}\nx: *m\n"));
  fuzz("in YAML", 0.02, damagedBytes([yaml, new Uint8Array(Buffer.from(JSON.stringify(defaults)))]), async (bytes) => {
    writeFileSync(join(dir, "config.yaml"), bytes);
    return runConfigFrom({ config: join(dir, "config.yaml"), set: [] }, {});
  });
  const worker = damagedJson([workerConfigSchema.parse({})]);
  fuzz("of a worker", 0.01, worker, (content) => {
    return resolveConfig(workerConfigSchema, workerEnvPrefix, { file: { name: "f", content }, env: {}, sets: [] });
  });
});

const digest = "a".repeat(64);
const entry = { path: "a/1.jpg", digest, bytes: 1, width: 4, height: 4, tags: [1], maskDigest: null };
const split = { root: "/d", images: [entry, { ...entry, path: "2.jpg", tags: [] }], shards: [[0], [1]] };
const manifest = { version: 1, classes: ["horse"], train: split, val: split };
const method = methodConfigSchema.parse({});

describe("what a worker is told about a run", () => {
  fuzz("manifest", 0.04, damagedJson([manifest]), (json) => orInvalid(() => manifestSchema.parse(json)));
  const setup = { runId: "r", seed: 1, method, classes: ["horse"], manifestDigest: digest, backbone: null };
  fuzz("setup", 0.02, damagedJson([setup]), (json) => orInvalid(() => runSetupSchema.parse(json)));
  fuzz("catalogue", 0.01, damagedJson([{ version: 1, packs: [digest] }]), (json) =>
    orInvalid(() => labelCatalogueSchema.parse(json)),
  );
});

describe("messages on the bus", () => {
  const beat = {
    ...{
      workerId: "w",
      protocolVersion,
      seedgrowVersion: "1",
      host: "h",
      pid: 1,
      address: "h:1",
      engine: "e",
      device: "d",
    },
    ...{ fingerprint: "f", threads: 1, leasedBy: null, rssBytes: 1 },
  };
  fuzz("beats", 0.03, damagedJson([beat]), (json) => {
    const parsed = workerBeatSchema.safeParse(json).data;
    return parsed && judge(new Map(), parsed, { runId: "r", fingerprint: "f", allowMixed: false }, 0);
  });
  const me = { runId: "r", coordinatorId: "c", sitting: 1 };
  fuzz("leases", 0.03, damagedBytes([new Uint8Array(Buffer.from(JSON.stringify(me)))]), (bytes) => {
    const owner = leaseOwnerSchema.safeParse(parseJson(bytes)).data ?? null;
    return [decideTake({ owner, revision: 3 }, me), decideRenewal({ owner, revision: 3 }, me)];
  });
  fuzz("requests", 0.01, damagedJson([{ op: "stop" }]), (json) => controlRequestSchema.safeParse(json));
});

describe("a run's folder", () => {
  const record: RunRecord = {
    ...{
      runId: "r",
      createdAt: "2026-01-01",
      finishedAt: null,
      state: "running",
      command: [],
      seedgrowVersion: "1",
      seed: 1,
    },
    ...{ config: {}, seconds: 1, weightsSha256: null, workers: [] },
  };
  const specs = [{ name: "a", shape: [4], learningRateScale: 1, weightDecay: false }];
  const values = new Uint8Array(16).fill(5);
  const weights = sha256(values);
  let whole: string;
  beforeAll(async () => {
    whole = join(dir, "whole");
    const store = new RunStore(whole);
    await store.create();
    await store.writeRecord(record);
    await store.writeManifest(manifestSchema.parse(manifest));
    await store.writeStages([]);
    await store.writeProgress({ ...initialProgress, phasesDone: 1, classifier: { round: 0, digest: weights } });
    await store.writeCheckpoint(weights, values, specs);
    const moments = new MemoryFloats(new Float32Array(4));
    const optimizer = { steps: 2, first: moments, second: moments };
    await store.writeTrainingPoint(
      { phase: "train-1", nextStep: 2, specs, losses: [[1, 0.5]], state: { values, optimizer, average: null } },
      [],
    );
  });

  const damage = fc.tuple(fc.nat(100), damagedBytes([new Uint8Array(0)]), fc.double({ min: 0, max: 1, noNaN: true }));
  fuzz("of which one file is damaged", 0.02, damage, async ([which, noise, at]) => {
    const folder = join(dir, "damaged");
    rmSync(folder, { recursive: true, force: true });
    await mkdir(dirname(folder), { recursive: true });
    await cp(whole, folder, { recursive: true });
    const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((one) => one.isFile());
    const victim = files[which % files.length]!;
    const path = join(victim.parentPath, victim.name);
    const bytes = readFileSync(path);
    const i = Math.floor(at * bytes.length);
    const torn = Buffer.concat([bytes.subarray(0, i), noise]);
    writeFileSync(path, torn);
    await readAll(new RunStore(folder), weights).finally(() => {
      if (!readFileSync(path).equals(torn)) throw new Error(`${path} was written while it was read`);
      const drafts = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".tmp"));
      if (drafts.length > 0) throw new Error(`left behind: ${drafts.join()}`);
    });
  });

  /** What a resumed coordinator reads. */
  async function readAll(store: RunStore, classifier: string): Promise<void> {
    await store.readRecord();
    await store.readManifest();
    await store.readStages();
    await store.readProgress();
    await store.readCheckpoint(classifier);
    await store.readTrainingPoint("train-1", new Scratch(join(dir, "scratch"), 0), () => undefined);
  }
});

describe("models", () => {
  const params = new Uint8Array(8);
  const model = {
    ...{ version: 1, seedgrowVersion: "1", runId: "r", seed: 1, classes: ["horse"], method, round: 1 },
    ...{ params: { file: "params.f32", digest: sha256(params) }, backbone: null },
  };
  fuzz("of ours", 0.02, damagedJson([model]), async (json) => {
    writeFileSync(join(dir, savedModelFile), JSON.stringify(json) ?? "");
    writeFileSync(join(dir, "params.f32"), params.subarray(0, 7));
    const read = await readModel(dir);
    await Predictor.open({
      modelDir: dir,
      model: { ...read, params: { ...read.params, digest: sha256(params.subarray(0, 7)) } },
      engine: "auto",
      threads: 1,
    });
  });
  const layers = {
    modelTopology: { model_config: { config: [] } },
    weightsManifest: [{ paths: ["w.bin"], weights: [] }],
  };
  fuzz("of others", 0.02, damagedJson([layers]), async (json) => {
    writeFileSync(join(dir, "w.bin"), params);
    writeFileSync(join(dir, "model.json"), JSON.stringify(json) ?? "");
    return readBackbone(dir);
  });
});
