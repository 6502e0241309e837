/** Small files and messages that ask for gigabytes are refused before anybody takes the memory for them. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as grpc from "@grpc/grpc-js";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { probePhoto } from "../../coordinator/adapters/image-probe.js";
import { decodeSquare, decodeUpright } from "../../shared/data/decode.js";
import { readMaskPng } from "../../shared/data/mask-png.js";
import { messageBytesMax } from "../../shared/limits.js";
import { blobHandlers, MemoryBlobs, pullByGrpc } from "../../shared/net/blobs.js";
import { openServer, serverCredentials } from "../../shared/net/credentials.js";
import { Blobs, clientOptions } from "../../shared/net/proto.js";
import { listen } from "../../shared/net/rpc.js";

describe("a picture of 120 megapixels in a few hundred kilobytes", () => {
  const dir = mkdtempSync(join(tmpdir(), "seedgrow-limits-"));
  let bomb: Buffer;

  beforeAll(async () => {
    const create = { width: 12_000, height: 10_000, channels: 3, background: "#000" } as const;
    bomb = await sharp({ create }).png().toBuffer();
    writeFileSync(join(dir, "bomb.png"), bomb);
    expect(bomb.length).toBeLessThan(2_000_000);
  });

  afterAll(() => rmSync(dir, { recursive: true }));

  test("is not decoded as a photo", async () => {
    for (const decode of [() => decodeSquare(bomb, 64), () => decodeUpright(bomb)])
      await expect(decode()).rejects.toMatchObject({ code: "DATA_BROKEN" });
  });

  test("is named among the photos that cannot be used", async () => {
    const found = await probePhoto(dir, "train", { path: "bomb.png", tags: ["black"] });
    expect(found).toMatchObject({ path: "bomb.png", kind: expect.stringMatching(/too-large|unreadable/) });
  });

  test("is no mask", () => {
    expect(() => readMaskPng(bomb)).toThrowError(expect.objectContaining({ code: "MASK_INVALID" }));
  });
});

test("a message larger than any of ours is refused, and the server goes on", async () => {
  const blobs = new MemoryBlobs();
  const digest = blobs.put(Buffer.from("a photo"));
  const server = openServer({ trust: null, access: {} });
  server.addService(Blobs.service, blobHandlers(blobs));
  const address = await listen(server, "127.0.0.1:0", serverCredentials(null));
  const unlimited = { ...clientOptions, "grpc.max_send_message_length": -1 };
  const client = new Blobs(address, grpc.credentials.createInsecure(), unlimited);
  try {
    const call = client.Pull({ digest: "x".repeat(messageBytesMax + 1) });
    const failed = new Promise((_, reject) => call.on("data", () => undefined).on("error", reject));
    await expect(failed).rejects.toMatchObject({ code: grpc.status.RESOURCE_EXHAUSTED });
    expect(Buffer.from(await pullByGrpc(client, digest)).toString()).toBe("a photo");
  } finally {
    client.close();
    server.forceShutdown();
  }
});
