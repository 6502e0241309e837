/** Photos in S3-compatible storage: a real HTTP server on loopback, and the AWS client. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CreateBucketCommand, DeleteObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { mirrorS3 } from "../../coordinator/adapters/s3-mirror.js";
import { sha256 } from "../../shared/codec/digest.js";
import type { AppError } from "../../shared/errors.js";
import { blobHandlers, MemoryBlobs } from "../../shared/net/blobs.js";
import { clientSecurity, openServer, serverCredentials } from "../../shared/net/credentials.js";
import { Blobs } from "../../shared/net/proto.js";
import { listen } from "../../shared/net/rpc.js";
import { BlobCache } from "../../worker/adapters/blob-cache.js";
import { Bucket } from "../../worker/adapters/bucket.js";
import { Fetcher } from "../../worker/adapters/fetcher.js";
import { type S3Server, startS3 } from "../support/s3.js";
import { Workplace } from "../support/seedgrow.js";

const dir = mkdtempSync(join(tmpdir(), "seedgrow-s3-"));
const credentials = { accessKeyId: "S3RVER", secretAccessKey: "S3RVER" };
const place = new Workplace();
let server: S3Server;
let client: S3Client;
const asked: string[] = [];
const before = { ...process.env };

beforeAll(async () => {
  server = await startS3(join(dir, "server"));
  const { endpoint } = server;
  Object.assign(process.env, {
    AWS_ENDPOINT_URL: endpoint,
    AWS_REGION: "us-east-1",
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
  });
  client = new S3Client({ endpoint, region: "us-east-1", credentials, forcePathStyle: true });
  await client.send(new CreateBucketCommand({ Bucket: "photos" }));
});

beforeEach(() => asked.splice(0));

afterAll(async () => {
  process.env = before;
  client.destroy();
  await server.stop();
  rmSync(dir, { recursive: true });
  place.clear();
});

async function put(key: string, body: string | Uint8Array): Promise<void> {
  await client.send(new PutObjectCommand({ Bucket: "photos", Key: key, Body: body }));
}

function mirror(url: string, fetched: string[] = []) {
  return mirrorS3(url, {
    cacheDir: join(dir, "mirrors"),
    onProgress: (done, total) => fetched.push(`${done}/${total}`),
  });
}

describe("a mirror", () => {
  test("holds what is below the prefix, and fetches only what has changed", async () => {
    await put("pets/cat/one.txt", "1");
    await put("pets/dog/two.txt", "22");
    await put("pets/dog/", "");
    await put("other/three.txt", "333");
    const fetched: string[] = [];
    const root = await mirror("s3://photos/pets/", fetched);
    expect(readdirSync(root, { recursive: true }).sort()).toEqual(["cat", "cat/one.txt", "dog", "dog/two.txt"]);
    expect(fetched).toEqual(["1/2", "2/2"]);
    await put("pets/dog/two.txt", "33");
    await client.send(new DeleteObjectCommand({ Bucket: "photos", Key: "pets/cat/one.txt" }));
    expect(await mirror("s3://photos/pets", fetched)).toBe(root);
    expect(fetched.slice(2)).toEqual(["1/1"]);
    expect(readFileSync(join(root, "dog/two.txt"), "utf8")).toBe("33");
    expect(existsSync(join(root, "cat/one.txt"))).toBe(false);
  });

  test("fetches anew what somebody has cut short or what its memo lost", async () => {
    await put("cut/a.txt", "whole");
    const root = await mirror("s3://photos/cut");
    writeFileSync(join(root, "a.txt"), "who");
    utimesSync(join(root, "a.txt"), 0, 0);
    await mirror("s3://photos/cut");
    expect(readFileSync(join(root, "a.txt"), "utf8")).toBe("whole");
    writeFileSync(join(root, "..", "fetched.json"), "{ torn");
    const fetched: string[] = [];
    await mirror("s3://photos/cut", fetched);
    expect(fetched).toEqual(["1/1"]);
  });

  test("of more objects than one listing tells of is whole", async () => {
    await Promise.all(Array.from({ length: 1_003 }, (_, i) => put(`many/${i}.txt`, `${i}`)));
    expect(readdirSync(await mirror("s3://photos/many"))).toHaveLength(1_003);
  });

  test.each([
    ["s3://photos/empty", "DATA_NOT_FOUND", "holds nothing"],
    ["s3://missing/x", "DATA_NOT_FOUND", "NoSuchBucket"],
    ["s3://Bad_Bucket/x", "USAGE", "s3://BUCKET/PREFIX"],
  ])("of %s is an error: %s", async (url, code, words) => {
    const error: AppError = await mirror(url).then(
      () => expect.fail("it is none"),
      (thrown) => thrown,
    );
    expect(error.code).toBe(code);
    expect(error.message).toContain(words);
  });

  test("with a wrong key is refused, with the next step", async () => {
    process.env.AWS_ACCESS_KEY_ID = "nobody";
    await expect(mirror("s3://photos/pets")).rejects.toMatchObject({ code: "STORAGE_REFUSED" });
    process.env.AWS_ACCESS_KEY_ID = credentials.accessKeyId;
  });

  test("of storage that is not there is an error", async () => {
    const endpoint = process.env.AWS_ENDPOINT_URL;
    process.env.AWS_ENDPOINT_URL = "http://127.0.0.1:1";
    await expect(mirror("s3://photos/pets")).rejects.toMatchObject({ code: "DOWNLOAD_FAILED" });
    process.env.AWS_ENDPOINT_URL = endpoint;
  });
});

describe("a worker with s3://", () => {
  const photo = Buffer.from("photo");
  /** Counts what the coordinator is asked for. */
  class Counting extends MemoryBlobs {
    override async get(digest: string) {
      asked.push(digest);
      return super.get(digest);
    }
  }

  async function fetcher() {
    const blobs = new Counting();
    blobs.put(photo);
    const peers = openServer({ trust: null, access: {} });
    peers.addService(Blobs.service, blobHandlers(blobs));
    const address = await listen(peers, "127.0.0.1:0", serverCredentials(null));
    const { credentials: clear, options } = clientSecurity(null, [], address);
    const client = new Blobs(address, clear, options);
    const peer = { client, link: null };
    const stop = () => {
      client.close();
      peers.forceShutdown();
    };
    const cache = new BlobCache(mkdtempSync(join(dir, "cache-")));
    return {
      fetcher: new Fetcher(peer, peer, cache, { get: async () => null }, new AbortController().signal),
      stop,
    };
  }

  test("reads photos there once, and asks the coordinator for what is not there or not the same", async () => {
    const troubles: string[] = [];
    const bucket = new Bucket("s3://photos/near", new AbortController().signal, ({ code }) => troubles.push(code));
    await put("near/same.jpg", photo);
    await put("near/other.jpg", "another");
    const { fetcher: source, stop } = await fetcher();
    expect(await source.cached(sha256(photo), () => bucket.get("same.jpg"))).toEqual(photo);
    expect(asked).toEqual([]);
    await client.send(new DeleteObjectCommand({ Bucket: "photos", Key: "near/same.jpg" }));
    expect(await source.cached(sha256(photo), () => bucket.get("same.jpg"))).toEqual(photo);
    expect(troubles).toEqual([]);
    const { fetcher: fresh, stop: stopFresh } = await fetcher();
    expect(Buffer.from(await fresh.cached(sha256(photo), () => bucket.get("other.jpg")))).toEqual(photo);
    expect(asked).toEqual([sha256(photo)]);
    const { fetcher: third, stop: stopThird } = await fetcher();
    for (let i = 0; i < 2; i++) await third.cached(sha256(Buffer.from("photo")), () => bucket.get("gone.jpg"));
    expect(troubles).toEqual(["DATA_NOT_FOUND"]);
    await bucket.close();
    for (const end of [stop, stopFresh, stopThird]) end();
  });
});

test("`data check` counts the photos of a bucket", async () => {
  await place.draw(4, 2);
  for (const path of readdirSync(place.path("data"), { recursive: true, withFileTypes: true })) {
    if (!path.isFile()) continue;
    const file = join(path.parentPath, path.name);
    await put(`synth${file.slice(place.path("data").length)}`, readFileSync(file));
  }
  const checked = await place.seedgrow("data", "check", "--data", "s3://photos/synth", "--json").ends(0);
  expect(checked.json()).toMatchObject({ train: { images: 4, masks: 4 }, val: { images: 2 } });
});
