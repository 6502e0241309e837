/** Exported models in the programs they are for: TensorFlow's C library, and ONNX Runtime where somebody has installed it. */
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { PortableGraph } from "../../shared/data/portable-graph.js";
import { onnxModel } from "../../worker/export/onnx.js";
import { savedModel } from "../../worker/export/saved-model.js";
import { tfjsModel } from "../../worker/export/tfjs.js";
import { wildCompute } from "../../worker/segmentation/testing.js";

const run = promisify(execFile);
const dir = mkdtempSync(join(tmpdir(), "seedgrow-export-"));
/** Other kernels sum in another order: a few roundings of f32. */
const tolerance = 1e-5;
let graph: PortableGraph;

beforeAll(async () => {
  graph = (await wildCompute()).graph();
  for (const folder of ["saved", "tfjs"]) mkdirSync(join(dir, folder));
  const { modelJson, weights } = tfjsModel(graph, {});
  writeFileSync(join(dir, "saved/saved_model.pb"), await savedModel(graph));
  writeFileSync(join(dir, "tfjs/model.json"), modelJson);
  writeFileSync(join(dir, "tfjs/weights.bin"), weights);
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

test("libtensorflow loads the SavedModel, and it answers as the tfjs model does", async () => {
  const script = fileURLToPath(new URL("load-exported.mjs", import.meta.url));
  const { stdout } = await run(process.execPath, [script, join(dir, "saved"), join(dir, "tfjs"), "32"]);
  const { difference, values, sum } = JSON.parse(stdout.trim().split("\n").at(-1)!);
  expect(values).toBe(32 * 32 * 3);
  expect(sum).toBeCloseTo(32 * 32, 1);
  expect(difference).toBeLessThan(tolerance);
}, 120_000);

test("ONNX Runtime gives the same", async ({ skip }) => {
  const ort = onnxRuntime();
  if (!ort) return skip("no ONNX Runtime here: `npm install --no-save onnxruntime-web@1.30.0` (150 MB) runs this test");
  const session = await ort.InferenceSession.create(await onnxModel(graph, {}));
  const pixels = Float32Array.from({ length: 32 * 32 * 3 }, (_, i) => (i * 7919) % 256);
  const answer = await session.run({ image: new ort.Tensor("float32", pixels, [1, 32, 32, 3]) });
  const expected = JSON.parse(readFileSync(join(dir, "tfjs/probabilities.json"), "utf8")) as number[];
  const differences = expected.map((value, i) => Math.abs(value - answer.probabilities.data[i]));
  expect(Math.max(...differences)).toBeLessThan(tolerance);
}, 120_000);

// biome-ignore lint/suspicious/noExplicitAny: it is not among the packages, so neither are its types.
function onnxRuntime(): any {
  try {
    return createRequire(import.meta.url)("onnxruntime-web");
  } catch {
    return null;
  }
}
