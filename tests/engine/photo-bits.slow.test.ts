/** A photo's probabilities and mask do not depend on the threads of `predict`, on other photos, nor on how the graph holds parameters. */
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bytesOf, sha256 } from "../../shared/codec/digest.js";
import { methodConfigSchema } from "../../shared/config/method.js";
import { savedModelFile } from "../../shared/data/saved-model.js";
import { tinyCompute, wildParams } from "../../worker/segmentation/testing.js";

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "seedgrow-photo-bits-"));
  const method = methodConfigSchema.parse({
    imageSize: 128,
    mining: { rounds: 0 },
    segmenter: { cropSize: 128, channels: 64 },
    scratch: { kind: "mobilenet", widths: [24, 32, 64, 128] },
  });
  const compute = await tinyCompute(method);
  const values = await wildParams(compute, method);
  compute.dispose();
  await writeFile(join(dir, "params.f32"), bytesOf(values));
  const params = { file: "params.f32", digest: sha256(bytesOf(values)) };
  const classes = ["horse", "zebra"];
  const model = { version: 1, seedgrowVersion: "0.1.0", runId: "r", seed: 7, classes, method, round: 1, params };
  await writeFile(join(dir, savedModelFile), JSON.stringify({ ...model, backbone: null }));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

async function bitsWith(threads: number, constant: boolean) {
  const script = resolve("tests/engine/photo-bits.mjs");
  const args = [script, resolve("dist"), dir, String(threads), constant ? "1" : "0"];
  const { stdout } = await promisify(execFile)(process.execPath, args, {
    env: { ...process.env, NODE_NO_WARNINGS: "1" },
  });
  return JSON.parse(stdout.split("\n").at(-1)!) as { threads: number; maps: string; masks: string };
}

test("one, two and four photos at once, with parameters given or held by the graph, have the same bits", async () => {
  const alone = await bitsWith(1, false);
  expect(alone.threads).toBe(1);
  for (const [threads, constant] of [
    [1, true],
    [2, true],
    [4, false],
  ] as const) {
    expect(await bitsWith(threads, constant)).toEqual({ ...alone, threads });
  }
}, 120_000);
