/**
 * A machine with npm packages alone: whole trainings on WebAssembly, with the same contract of same bits. CI runs the tests of
 * that name twice: before TensorFlow is installed at all, and with its addon hidden.
 */
import { existsSync, readFileSync } from "node:fs";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { hasAddon, isWithoutTensorflow } from "../support/engine.js";
import { preload, type Seedgrow, Workplace } from "../support/seedgrow.js";

let place: Workplace;
/** Of a run with one worker that was told to use wasm. */
let expected: string;

beforeAll(async () => {
  place = new Workplace();
  await place.draw(16, 4);
  vi.stubEnv("SEEDGROW_ENGINE", "wasm");
  expected = await weightsOf(place.train(["--local", "1"]));
});
afterEach(() => vi.unstubAllEnvs());
afterAll(() => place.clear());

async function weightsOf(run: Seedgrow): Promise<string> {
  return (await run.ends(0)).json<{ weightsSha256: string }>().weightsSha256;
}

/** Nobody asks for an engine, and TensorFlow's addon is not there. */
function chooseEngine(): void {
  vi.stubEnv("SEEDGROW_ENGINE", undefined);
  hideAddon();
}

function hideAddon(): void {
  if (hasAddon()) vi.stubEnv("NODE_OPTIONS", preload("without-tensorflow.cjs"));
}

test("three workers arrive at the bits of one", async () => {
  expect(await weightsOf(place.train(["--local", "3", "--engine", "wasm"]))).toBe(expected);
});

test("without the native addon, training chooses wasm by itself, says so, and arrives at the same bits", async () => {
  chooseEngine();
  const run = place.train(["--local", "2"]);
  expect(await weightsOf(run)).toBe(expected);
  expect(run.stderr).toContain("computing with WebAssembly: 1.4 to 4 times slower than TensorFlow");
  const joined = place.events(run.runId!).find(({ kind }) => kind === "worker-joined");
  expect(joined?.fingerprint).toMatch(/^wasm; tfjs .*kernels=[0-9a-f]{12}; /);
  const log = readFileSync(place.path("runs", run.runId!, "logs/worker-1.log"), "utf8");
  expect(log).toContain("engine wasm: in place of TensorFlow. The TensorFlow engine is not installed.");
});

test("without the native addon, a model predicts, and the doctor says what computes", async () => {
  chooseEngine();
  const out = place.path("predicted");
  const photos = place.path("data/val");
  const done = await place.seedgrow("predict", "--model", "latest", "--out", out, photos, "--json").ends(0);
  expect(done.json<{ engine: string }>().engine).toMatch(/^tfjs .* \/ WebAssembly$/);
  expect(done.json<{ masks: { mask: string }[] }>().masks.map(({ mask }) => existsSync(mask))).toContain(true);
  const doctor = place.seedgrow("doctor", "--json");
  await doctor.exited;
  const { checks } = doctor.json<{ checks: { name: string; verdict: string; value: string }[] }>();
  const engine = checks.find(({ name }) => name === "engine");
  expect(engine).toMatchObject({ verdict: "warn", value: expect.stringContaining("in place of TensorFlow") });
});

test("without the native addon, who asks for TensorFlow does not get anything else", async () => {
  hideAddon();
  const out = place.path("none");
  const asked = place.seedgrow(
    "predict",
    "--model",
    "latest",
    "--engine",
    "tensorflow",
    "--out",
    out,
    place.path("data/val"),
  );
  expect((await asked.ends(4)).stderr).toContain("[ENGINE_MISSING]");
});

test("TensorFlow arrives at other bits, and its name in the run says why", async ({ skip }) => {
  if (isWithoutTensorflow) skip("SEEDGROW_ENGINE is wasm");
  const run = place.train(["--local", "1", "--engine", "tensorflow"]);
  expect(await weightsOf(run)).not.toBe(expected);
  const joined = place.events(run.runId!).find(({ kind }) => kind === "worker-joined");
  expect(joined?.fingerprint).toMatch(/^tensorflow; /);
});
