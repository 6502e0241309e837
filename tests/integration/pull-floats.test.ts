/** Gradient sums pulled from a worker, in each wire, to memory and to files. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as grpc from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { pullSum } from "../../coordinator/adapters/pull-floats.js";
import { Scratch } from "../../coordinator/adapters/scratch.js";
import { type Floats, pageFloats, pagesOf } from "../../shared/aggregate/floats.js";
import { byChecksum, bySha256 } from "../../shared/codec/checksum.js";
import { roundingOf } from "../../shared/math/rounding.js";
import { sumTailFloats, type Wire } from "../../shared/math/wire.js";
import { type BlobPeer, blobBulk, linkTo } from "../../shared/net/blob-lines.js";
import { blobHandlers, MemoryBlobs } from "../../shared/net/blobs.js";
import { listenOnOnePort } from "../../shared/net/one-port.js";
import { Blobs, clientOptions, serverOptions } from "../../shared/net/proto.js";
import { sumOutput } from "../../worker/jobs/train.js";

const dir = mkdtempSync(join(tmpdir(), "seedgrow-pull-"));
const blobs = new MemoryBlobs();
const grpcServer = new grpc.Server(serverOptions);
let worker: BlobPeer;

beforeAll(async () => {
  grpcServer.addService(Blobs.service, blobHandlers(blobs));
  const bulk = { blob: { answer: blobBulk(blobs), roles: [] } };
  const { address } = await listenOnOnePort({ address: "127.0.0.1:0", trust: null, grpcServer, bulk });
  const client = new Blobs(address, grpc.credentials.createInsecure(), clientOptions);
  worker = { client, link: linkTo({ address, trust: null, roles: [] }) };
});
afterAll(() => {
  worker.link!.close();
  worker.client.close();
  grpcServer.forceShutdown();
  rmSync(dir, { recursive: true });
});

const count = 2 * pageFloats + 45;
const length = count + sumTailFloats;
const node = { level: 0, index: 1 };

/** A worker's output, offered; and the numbers that it stands for. */
function offered(wire: Wire, hasChecksum: boolean) {
  const key = { wire, seed: 1, stage: { model: "segmenter", round: 1 }, step: 4 };
  const values = Float32Array.from({ length }, (_, i) => Math.sin(i) * 10 ** ((i % 5) - 2));
  const { bytes, digest } = sumOutput(key, { node, values: values.slice(), due: node }, hasChecksum);
  roundingOf(key)(node, values);
  blobs.put(bytes, digest);
  return { output: { digest: digest!, bytes: bytes.length }, bytes, values };
}

async function numbersOf(floats: Floats): Promise<Buffer> {
  const pages: Buffer[] = [];
  for (const [at, end] of pagesOf(floats.length)) pages.push(Buffer.from((await floats.page(at, end)).slice().buffer));
  return Buffer.concat(pages);
}

describe.each(["f32", "bf16", "int8"] as const)("a sum as %s", (wire) => {
  test.each([
    ["memory", 1e9, true],
    ["memory", 1e9, false],
    ["a file", 0, true],
    ["a file", 0, false],
  ] as const)("comes to %s (of %d bytes), named by a checksum: %s", async (_, memoryBytes, hasChecksum) => {
    const scratch = new Scratch(dir, memoryBytes);
    scratch.enter(count, wire);
    const { output, values, bytes } = offered(wire, hasChecksum);
    const floats = await pullSum(worker, output, wire, scratch);
    expect(Buffer.compare(await numbersOf(floats), Buffer.from(values.buffer))).toBe(0);
    await floats.close();
    // One bit is another.
    const damaged = Uint8Array.from(bytes);
    damaged[bytes.length - 11]! ^= 4;
    blobs.put(damaged, output.digest);
    await expect(pullSum(worker, output, wire, scratch)).rejects.toMatchObject({ code: "DIGEST_MISMATCH" });
    await scratch.close();
  });

  test("of another length than was said is refused, and its memory used again", async () => {
    const scratch = new Scratch(dir, 1e9);
    scratch.enter(count, wire);
    const { output, bytes } = offered(wire, true);
    for (let i = 0; i < 30; i++) {
      blobs.put(bytes.subarray(0, bytes.length - 4), output.digest);
      await expect(pullSum(worker, output, wire, scratch)).rejects.toMatchObject({ code: "MESSAGE_INVALID" });
    }
    // Had they kept theirs, there would be no more.
    expect(scratch.memory(count).values.buffer).toBeInstanceOf(SharedArrayBuffer);
  });
});

test("are named by what they were asked to be", () => {
  for (const [newNaming, hasChecksum] of [
    [byChecksum, true],
    [bySha256, false],
  ] as const) {
    const { output, bytes } = offered("bf16", hasChecksum);
    const naming = newNaming();
    naming.update(bytes);
    expect(output.digest).toBe(naming.digest("hex"));
  }
});
