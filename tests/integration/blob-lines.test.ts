/** Blobs over bulk lines, or by gRPC where a line does not carry them. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as grpc from "@grpc/grpc-js";
import { afterEach, describe, expect, test } from "vitest";
import { FileBlobs } from "../../coordinator/adapters/file-blobs.js";
import { byChecksum, nameOf } from "../../shared/codec/checksum.js";
import { bytesOf, float32Of, sha256 } from "../../shared/codec/digest.js";
import { AppError } from "../../shared/errors.js";
import { VectorMemory } from "../../shared/math/vectors.js";
import { blobBulk, linkTo, pullBlob, pullBlobInto } from "../../shared/net/blob-lines.js";
import { type BlobSource, type BlobTarget, blobHandlers, MemoryBlobs } from "../../shared/net/blobs.js";
import { BulkLink } from "../../shared/net/bulk-line.js";
import { listenOnOnePort } from "../../shared/net/one-port.js";
import { Blobs, clientOptions, serverOptions } from "../../shared/net/proto.js";
import { listen } from "../../shared/net/rpc.js";
import { BlobCache } from "../../worker/adapters/blob-cache.js";
import { Fetcher } from "../../worker/adapters/fetcher.js";

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0).reverse()) close();
});

const blobs = new MemoryBlobs();

describe("the numbers of every step", () => {
  /** Longer than what a socket buffers. */
  const bytes = Uint8Array.from({ length: 3_000_000 }, (_, i) => (i * 7 + (i >> 12)) % 251);
  const digest = blobs.put(bytes);

  /** With lines, or with calls alone. */
  async function peer(source: BlobSource, hasLines = true, answer = blobBulk(source)) {
    const grpcServer = new grpc.Server(serverOptions);
    grpcServer.addService(Blobs.service, blobHandlers(hasLines ? blobs : source));
    const bulk = { blob: { answer, roles: [] } };
    const address = hasLines
      ? (await listenOnOnePort({ address: "127.0.0.1:0", trust: null, grpcServer, bulk })).address
      : await listen(grpcServer, "127.0.0.1:0", grpc.ServerCredentials.createInsecure());
    const client = new Blobs(address, grpc.credentials.createInsecure(), clientOptions);
    const link = linkTo({ address, trust: null, roles: [] })!;
    closers.push(
      () => grpcServer.forceShutdown(),
      () => client.close(),
      () => link.close(),
    );
    return { client, link };
  }

  test("come over a line, of the length that was said, with the digest that was asked for", async () => {
    const asked: string[] = [];
    const get: BlobSource["get"] = async (wanted) => {
      asked.push(wanted);
      return blobs.get(wanted);
    };
    const from = await peer({ get });
    expect(Buffer.compare(await pullBlob(from, digest, { bytes: bytes.length }), bytes)).toBe(0);
    expect(Buffer.compare(await pullBlob(from, digest), bytes)).toBe(0);
    expect(asked).toEqual([digest, digest]);
    for (const said of [bytes.length - 1, bytes.length + 1]) {
      await expect(pullBlob(from, digest, { bytes: said })).rejects.toMatchObject({ code: "MESSAGE_INVALID" });
    }
    const refused = { code: "MESSAGE_INVALID", message: `no blob ${"0".repeat(64)} from 0 on` };
    await expect(pullBlob(from, "0".repeat(64))).rejects.toMatchObject(refused);
    expect(asked).toHaveLength(5);
  });

  test("are not believed when they are others", async () => {
    const from = await peer({ get: async () => bytes.subarray(4) });
    await expect(pullBlob(from, digest)).rejects.toMatchObject({ code: "DIGEST_MISMATCH" });
  });

  test.each([
    ["a line", true],
    ["gRPC", false],
  ])(
    "named by a checksum they come over %s, where they are wanted, and are not believed when one bit is another",
    async (_, hasLines) => {
      const numbers = float32Of(bytes);
      const name = nameOf(numbers, byChecksum);
      const held = new MemoryBlobs();
      held.put(bytes, name);
      const into = bytesOf(new VectorMemory(numbers.length).floats(numbers.length));
      const from = await peer(held, hasLines);
      expect(await pullBlob(from, name, { bytes: bytes.length, room: () => into })).toBe(into);
      expect(Buffer.compare(into, bytes)).toBe(0);
      const damaged = Uint8Array.from(bytes);
      damaged[1_234_567]! ^= 1;
      held.put(damaged, name);
      await expect(pullBlob(from, name)).rejects.toMatchObject({ code: "DIGEST_MISMATCH" });
      const target: BlobTarget = { received: 0, add: () => undefined };
      await expect(pullBlobInto(from, name, target, () => 0)).rejects.toMatchObject({ code: "DIGEST_MISMATCH" });
      held.put(bytes, name);
      expect(await pullBlobInto(from, name, target, () => 7)).toBe(7);
    },
  );

  test("come by gRPC where no line is answered, which is not tried again", async () => {
    const from = await peer(blobs, false);
    expect(Buffer.compare(await pullBlob(from, digest), bytes)).toBe(0);
    expect(from.link.isVain).toBe(true);
    expect(Buffer.compare(await pullBlob(from, digest), bytes)).toBe(0);
  });

  test("come by gRPC when a line breaks, and by the next line after that", async () => {
    let asked = 0;
    const answer = blobBulk(blobs);
    const from = await peer(blobs, true, async (request) => {
      const bulk = await answer(request);
      return ++asked === 2 ? { ...bulk, isHeld: () => false } : bulk;
    });
    for (let i = 0; i < 3; i++) expect(Buffer.compare(await pullBlob(from, digest), bytes)).toBe(0);
    expect([asked, from.link.hasFailed, from.link.isVain]).toEqual([3, true, false]);
  });

  test("open no line to a peer that has been left, whoever still asks", async () => {
    const from = await peer(blobs);
    await pullBlob(from, digest);
    from.link.close();
    await expect(pullBlob(from, digest)).rejects.toMatchObject({ code: "INTERRUPTED" });
  });

  test("come in pieces to where they are stored, which may take its time, and keeps them", async () => {
    for (const hasLines of [true, false]) {
      const kept: Buffer[] = [];
      let received = 0;
      const target: BlobTarget = {
        get received() {
          return received;
        },
        async add(data) {
          received += data.length;
          kept.push(data);
          await new Promise((resolve) => setImmediate(resolve));
        },
      };
      const from = await peer(blobs, hasLines);
      const whole = await pullBlobInto(from, digest, target, () => Buffer.concat(kept));
      expect(Buffer.compare(whole, bytes)).toBe(0);
      expect(Buffer.compare(await pullBlob(from, digest), bytes)).toBe(0);
      expect(from.link.hasFailed).toBe(!hasLines);
    }
  });

  test("are not stored twice when a line is given up while they are being stored", async () => {
    const { client, link } = await peer(blobs);
    link.close();
    const address = client.getChannel().getTarget().replace(/^dns:/, "");
    const hasty = new BulkLink({ address, trust: null, roles: [], idleMs: 50 });
    closers.push(() => hasty.close());
    const kept: Buffer[] = [];
    const target = {
      received: 0,
      async add(data: Buffer) {
        if (kept.length === 0) await new Promise((resolve) => setTimeout(resolve, 300));
        kept.push(data);
        this.received += data.length;
      },
    };
    const whole = await pullBlobInto({ client, link: hasty }, digest, target, () => Buffer.concat(kept));
    expect(Buffer.compare(whole, bytes)).toBe(0);
    expect(hasty.hasFailed).toBe(true);
  });

  test("end with what their target says, which does not stop others", async () => {
    const from = await peer(blobs);
    const full: BlobTarget = {
      received: 0,
      add: async () => {
        throw new AppError("DISK_FULL", "no room");
      },
    };
    const noRoom = { code: "DISK_FULL", message: "no room" };
    await expect(pullBlobInto(from, digest, full, () => null)).rejects.toMatchObject(noRoom);
    expect(Buffer.compare(await pullBlob(from, digest), bytes)).toBe(0);
  });

  test("come no more once nobody wants them", async () => {
    const stop = new AbortController();
    const from = await peer({ get: () => new Promise(() => undefined) });
    const pulling = expect(pullBlob(from, digest, { signal: stop.signal })).rejects.toMatchObject({
      code: "INTERRUPTED",
    });
    setTimeout(() => stop.abort(), 50);
    await pulling;
    await expect(pullBlob(from, digest, { signal: stop.signal })).rejects.toThrow("abort");
  });

  test("do not keep a worker's photos waiting, which have a line of their own", async () => {
    const dir = mkdtempSync(join(tmpdir(), "seedgrow-lines-"));
    closers.push(() => rmSync(dir, { recursive: true }));
    const [whole, changed] = ["photo", "another"].map((name) => join(dir, name)) as [string, string];
    writeFileSync(whole, bytes);
    writeFileSync(changed, "new bytes");
    const old = sha256(Buffer.from("old bytes"));
    const photo = sha256(bytes);
    const stuck = await peer({ get: () => new Promise(() => undefined) });
    const files = await peer(
      new FileBlobs(
        new Map([
          [photo, whole],
          [old, changed],
        ]),
      ),
    );
    const fetcher = new Fetcher(
      stuck,
      files,
      new BlobCache(dir),
      { get: async () => null },
      new AbortController().signal,
    );
    const parameters = fetcher.pull(digest).catch(({ code }: AppError) => code);
    await expect(fetcher.cached(old)).rejects.toThrow(`${changed} has changed since the run began`);
    expect(sha256(await fetcher.cached(photo))).toBe(photo);
    stuck.link.close();
    expect(await parameters).toBe("INTERRUPTED");
  });
});
