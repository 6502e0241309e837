/** Blob transfer over real gRPC on loopback. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as grpc from "@grpc/grpc-js";
import { afterEach, describe, expect, test } from "vitest";
import { FileBlobs } from "../../coordinator/adapters/file-blobs.js";
import { bytesOf, float32Of, sha256 } from "../../shared/codec/digest.js";
import type { BlobsClient, BlobsHandlers } from "../../shared/gen/seedgrow/v1/Blobs.js";
import { chunkBytes, flowControlWindowBytes, pullAttemptsMax } from "../../shared/limits.js";
import { type BlobSource, blobHandlers, firstOf, MemoryBlobs, pullByGrpc } from "../../shared/net/blobs.js";
import { Blobs, clientOptions, serverOptions } from "../../shared/net/proto.js";
import { listen } from "../../shared/net/rpc.js";
import { Rng } from "../../shared/rng.js";
import { BlobCache } from "../../worker/adapters/blob-cache.js";
import { Fetcher } from "../../worker/adapters/fetcher.js";
import { until } from "../support/until.js";

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0).reverse()) close();
});

type Pull = BlobsHandlers["Pull"];
type PullCall = Parameters<Pull>[0];

async function serve(pull: Pull): Promise<BlobsClient> {
  const server = new grpc.Server(serverOptions);
  server.addService(Blobs.service, { Pull: pull });
  const address = await listen(server, "127.0.0.1:0", grpc.ServerCredentials.createInsecure());
  const client = new Blobs(address, grpc.credentials.createInsecure(), clientOptions);
  closers.push(
    () => server.forceShutdown(),
    () => client.close(),
  );
  return client;
}

function serveSource(source: BlobSource): Promise<BlobsClient> {
  return serve(blobHandlers(source).Pull as Pull);
}

function memory(...contents: Uint8Array[]): MemoryBlobs {
  const blobs = new MemoryBlobs();
  for (const bytes of contents) blobs.put(bytes);
  return blobs;
}

function noise(length: number, seed = 0): Uint8Array {
  const rng = new Rng("noise", seed);
  const bytes = new Uint8Array(length);
  const words = new Uint32Array(bytes.buffer, 0, length >> 2);
  for (let i = 0; i < words.length; i++) words[i] = rng.next() * 2 ** 32;
  return bytes;
}

describe("a blob", () => {
  test("larger than the receive window arrives whole, ready to be seen as floats", async () => {
    const floats = new Float32Array((3 * flowControlWindowBytes) / 4 + 5).map((_, i) => i / 3);
    const blobs = memory(bytesOf(floats));
    const pulled = await pullByGrpc(await serveSource(blobs), sha256(bytesOf(floats)));
    expect(pulled.byteOffset % 8).toBe(0);
    expect(Buffer.compare(pulled, bytesOf(floats))).toBe(0);
    expect(float32Of(pulled).buffer).toBe(pulled.buffer);
  });

  test.each([0, 1, chunkBytes - 1, chunkBytes, chunkBytes + 1])("of %i bytes arrives", async (length) => {
    const bytes = noise(length);
    const pulled = await pullByGrpc(await serveSource(memory(bytes)), sha256(bytes));
    expect(Buffer.compare(pulled, bytes)).toBe(0);
  });

  test.each([0, 1, chunkBytes + 1])(
    "whose length of %i bytes is known arrives in memory taken once",
    async (length) => {
      const bytes = noise(length);
      const pulled = await pullByGrpc(await serveSource(memory(bytes)), sha256(bytes), { bytes: length });
      expect(Buffer.compare(pulled, bytes)).toBe(0);
      expect(pulled.buffer.byteLength).toBe(length);
    },
  );

  test("that lies inside a larger buffer is sent without its surroundings", async () => {
    const inner = noise(3_000).subarray(1_001, 2_003);
    expect(await pullByGrpc(await serveSource(memory(inner)), sha256(inner))).toEqual(Uint8Array.from(inner));
  });

  test("is one of many at the same time", async () => {
    const contents = Array.from({ length: 24 }, (_, i) => noise(700_000 + i, i));
    const client = await serveSource(memory(...contents));
    const pulled = await Promise.all(contents.map((bytes) => pullByGrpc(client, sha256(bytes))));
    expect(pulled.map(sha256)).toEqual(contents.map(sha256));
  });
});

describe("a broken transfer", () => {
  /** Sends `chunks` chunks, then breaks; from the `goodFrom`-th call on it is whole. Notes where each call began. */
  function breaking(bytes: Uint8Array, chunks: number, goodFrom: number) {
    const offsets: number[] = [];
    const whole = blobHandlers(memory(bytes)).Pull as Pull;
    const pull: Pull = (call) => {
      const { offset } = call.request;
      offsets.push(offset);
      if (offsets.length > goodFrom) return whole(call);
      for (let i = 0; i < chunks; i++) {
        const at = offset + i * chunkBytes;
        call.write({ data: Buffer.from(bytes.subarray(at, at + chunkBytes)) });
      }
      return void call.emit("error", { code: grpc.status.UNAVAILABLE, details: "connection lost" });
    };
    return { offsets, pull };
  }

  test("goes on where it stopped: nothing is sent twice", async () => {
    const bytes = noise(5 * chunkBytes + 7);
    const { offsets, pull } = breaking(bytes, 2, 1);
    expect(sha256(await pullByGrpc(await serve(pull), sha256(bytes)))).toBe(sha256(bytes));
    expect(offsets).toEqual([0, 2 * chunkBytes]);
  });

  test("is given up after a few attempts", async () => {
    const bytes = noise(100);
    const { offsets, pull } = breaking(bytes, 0, 99);
    await expect(pullByGrpc(await serve(pull), sha256(bytes))).rejects.toMatchObject({ code: grpc.status.UNAVAILABLE });
    expect(offsets).toHaveLength(pullAttemptsMax);
  });

  test("that is no longer wanted ends at both ends", async () => {
    let sending: PullCall | null = null;
    const endless: Pull = (call) => {
      sending = call;
      call.write({ data: Buffer.alloc(10) });
    };
    const stop = new AbortController();
    const pulling = pullByGrpc(await serve(endless), "0".repeat(64), { signal: stop.signal });
    await until("the transfer to begin", () => sending !== null);
    stop.abort();
    await expect(pulling).rejects.toMatchObject({ code: grpc.status.CANCELLED });
    await until("the server to hear of it", () => sending?.cancelled === true);
  });

  test("that was not wanted any more before it began does not begin", async () => {
    const bytes = noise(10);
    const pulling = pullByGrpc(await serveSource(memory(bytes)), sha256(bytes), { signal: AbortSignal.abort() });
    await expect(pulling).rejects.toMatchObject({ code: grpc.status.CANCELLED });
  });
});

describe("what is not there, or not what it says", () => {
  test("a missing blob is an answer, not a wait", async () => {
    const pulling = pullByGrpc(await serveSource(new MemoryBlobs()), "f".repeat(64));
    await expect(pulling).rejects.toMatchObject({ code: grpc.status.NOT_FOUND });
  });

  test("bytes that differ from their name are refused", async () => {
    const digest = sha256(noise(10));
    const lying: BlobSource = { get: async () => noise(10, 1) };
    await expect(pullByGrpc(await serveSource(lying), digest)).rejects.toMatchObject({ code: "DIGEST_MISMATCH" });
  });

  test.each([
    [chunkBytes, "more than"],
    [2 * chunkBytes + 8, `${2 * chunkBytes + 7}, not`],
    [2 ** 40, "at most"],
  ])("a length that is not what was said, %i, is refused", async (said, words) => {
    const bytes = noise(2 * chunkBytes + 7);
    const pulling = pullByGrpc(await serveSource(memory(bytes)), sha256(bytes), { bytes: said });
    await expect(pulling).rejects.toMatchObject({ code: "MESSAGE_INVALID", message: expect.stringContaining(words) });
  });

  test("a photo that has changed on the coordinator's disk is named", async () => {
    const dir = mkdtempSync(join(tmpdir(), "seedgrow-blobs-"));
    closers.push(() => rmSync(dir, { recursive: true }));
    const path = join(dir, "photo.jpg");
    writeFileSync(path, "new bytes");
    const digest = sha256(Buffer.from("old bytes"));
    const client = await serveSource(firstOf(new MemoryBlobs(), new FileBlobs(new Map([[digest, path]]))));
    await expect(pullByGrpc(client, digest)).rejects.toThrow(`${path} has changed since the run began`);
  });
});

describe("a worker's fetcher", () => {
  function countingSource(bytes: Uint8Array) {
    const asked: string[] = [];
    const source: BlobSource = {
      get: async (digest) => {
        asked.push(digest);
        return digest === sha256(bytes) ? bytes : null;
      },
    };
    return { asked, source };
  }

  async function fetcherFor(source: BlobSource, packs: Record<string, Uint8Array> = {}) {
    const dir = mkdtempSync(join(tmpdir(), "seedgrow-cache-"));
    closers.push(() => rmSync(dir, { recursive: true, force: true }));
    const store = { get: async (digest: string) => packs[digest] ?? null };
    const peer = { client: await serveSource(source), link: null };
    return { dir, fetcher: new Fetcher(peer, peer, new BlobCache(dir), store, new AbortController().signal) };
  }

  test("pulls a photo once, whoever asks and however often, and finds it on disk the next time", async () => {
    const photo = noise(20_000);
    const digest = sha256(photo);
    const { asked, source } = countingSource(photo);
    const { dir, fetcher } = await fetcherFor(source);
    const pulled = await Promise.all([fetcher.cached(digest), fetcher.cached(digest), fetcher.cached(digest)]);
    expect(pulled.map(sha256)).toEqual([digest, digest, digest]);
    await fetcher.cached(digest);
    expect(asked).toHaveLength(1);
    expect(sha256((await new BlobCache(dir).get(digest))!)).toBe(digest);
  });

  test("does not trust a damaged file of its cache: it is pulled again", async () => {
    const photo = noise(20_000);
    const digest = sha256(photo);
    const { asked, source } = countingSource(photo);
    const { dir, fetcher } = await fetcherFor(source);
    await fetcher.cached(digest);
    writeFileSync(join(dir, digest.slice(0, 2), digest), "torn");
    expect(sha256(await fetcher.cached(digest))).toBe(digest);
    expect(asked).toHaveLength(2);
  });

  test("takes a label pack from the broadcast, and from the coordinator when the broadcast is missing or damaged", async () => {
    const pack = noise(1_000);
    const digest = sha256(pack);
    const broadcast = countingSource(pack);
    const { fetcher } = await fetcherFor(broadcast.source, { [digest]: pack });
    expect(sha256(await fetcher.pack(digest))).toBe(digest);
    expect(broadcast.asked).toHaveLength(0);
    const damaged = countingSource(pack);
    const { fetcher: careful } = await fetcherFor(damaged.source, { [digest]: noise(1_000, 9) });
    expect(sha256(await careful.pack(digest))).toBe(digest);
    expect(damaged.asked).toHaveLength(1);
  });
});
