import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { isChecksum } from "../shared/codec/checksum.js";
import { bytesOf, sha256 } from "../shared/codec/digest.js";
import { MemoryBlobs } from "../shared/net/blobs.js";
import { Scratch } from "./adapters/scratch.js";
import { runConfigSchema } from "./config.js";
import type { Phase } from "./core/plan.js";
import { StarTraining } from "./stage-training.js";

const dir = mkdtempSync(join(tmpdir(), "seedgrow-stage-"));
afterAll(() => rmSync(dir, { recursive: true }));
const phase = { kind: "classify", round: 0, steps: 4, units: 2 } as Phase;
const specs = [{ name: "w", shape: [3], learningRateScale: 1, weightDecay: true }];
const values = bytesOf(Float32Array.of(1, 2, 3));

async function begun(cluster: object, memoryBytes = 1e6) {
  const config = runConfigSchema.parse({ cluster });
  const [blobs, written] = [new MemoryBlobs(), [] as string[]];
  const store = { writeCheckpoint: async (digest: string) => void written.push(digest) };
  const scratch = new Scratch(dir, memoryBytes);
  const training = new StarTraining({ config, store, scratch, blobs } as never);
  await training.begin(phase, { specs, values });
  return { training, blobs, written, scratch };
}

test.each([
  ["by checksums: nobody compares them", {}, 1e6, true],
  ["by SHA-256 where they are audited", { audit: 0.1 }, 1e6, false],
  ["by checksums where what travels is rounded", { wire: "bf16" }, 1e6, true],
  ["by checksums where they go to files", {}, 4, true],
] as const)("sums and parameters of a step are named %s", async (_, cluster, memoryBytes, hasChecksums) => {
  const { training } = await begun(cluster, memoryBytes);
  expect(training.hasChecksums).toBe(hasChecksums);
  expect(isChecksum(training.weightsDigest!)).toBe(hasChecksums);
});

test("the model at the end is named by SHA-256, and is there when the memory it was trained in has other numbers", async () => {
  const { training, blobs, written, scratch } = await begun({});
  const ofStep = training.weightsDigest!;
  const digest = await training.finish();
  expect(digest).toBe(sha256(values));
  expect(written).toEqual([digest]);
  expect(blobs.peek(ofStep)).toBeNull();
  for (let i = 0; i < 9; i++) scratch.memory(3).values.fill(9);
  expect(Buffer.from(blobs.peek(digest)!)).toEqual(Buffer.from(values));
});
