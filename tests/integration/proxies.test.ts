/** What goes through an HTTP proxy that the environment names, and what must not: real HTTP, real gRPC. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { sha256 } from "../../shared/codec/digest.js";
import { S3Folder } from "../../shared/storage/s3.js";
import { type HttpProxy, startHttpProxy } from "../support/http-proxy.js";

/** Nobody listens there: whoever asks it gets nothing. */
const dead = "http://127.0.0.1:1";
let proxy: HttpProxy;
let server: Server;
let home: string;
const variables = ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "no_proxy", "NO_PROXY", "grpc_proxy"];

beforeAll(async () => {
  proxy = await startHttpProxy();
  server = createServer((_, answer) => answer.writeHead(403).end("no"));
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  home = `127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(async () => {
  await proxy.stop();
  server.close();
});

beforeEach(() => {
  for (const name of variables) vi.stubEnv(name, undefined);
  proxy.asked.splice(0);
});

afterEach(() => vi.unstubAllEnvs());

describe("downloads", () => {
  /** As a process that starts with the environment as it is. */
  async function fetchOutside(url: string) {
    vi.resetModules();
    return (await import("../../shared/net/proxy.js")).fetchOutside(url);
  }

  test("go straight where no proxy is named, through it where one is", async () => {
    expect((await fetchOutside(`http://${home}/a`)).status).toBe(403);
    expect(proxy.asked).toEqual([]);
    vi.stubEnv("http_proxy", proxy.url);
    expect((await fetchOutside(`http://${home}/b`)).status).toBe(403);
    expect(proxy.asked).toEqual([`CONNECT ${home}`]);
    vi.stubEnv("no_proxy", "127.0.0.1");
    expect((await fetchOutside(`http://${home}/c`)).status).toBe(403);
    expect(proxy.asked).toHaveLength(1);
  });

  test("of S3 do as well", async () => {
    vi.stubEnv("AWS_ACCESS_KEY_ID", "key");
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", "secret");
    vi.stubEnv("AWS_ENDPOINT_URL", `http://${home}`);
    vi.stubEnv("http_proxy", proxy.url);
    const folder = new S3Folder("s3://photos/pets");
    await expect(folder.list().next()).rejects.toMatchObject({ code: "STORAGE_REFUSED" });
    await folder.close();
    expect(proxy.asked).toEqual([expect.stringContaining(`GET http://${home}/photos`)]);
  });
});

describe("gRPC", () => {
  const photo = Buffer.from("photo");

  /** A photo pulled over gRPC by a process that starts with the environment as it is. */
  async function pulled(): Promise<Uint8Array> {
    vi.resetModules();
    const [net, blobs, { listen }, { Blobs }] = await Promise.all([
      import("../../shared/net/credentials.js"),
      import("../../shared/net/blobs.js"),
      import("../../shared/net/rpc.js"),
      import("../../shared/net/proto.js"),
    ]);
    const held = new blobs.MemoryBlobs();
    held.put(photo);
    const peers = net.openServer({ trust: null, access: {} });
    peers.addService(Blobs.service, blobs.blobHandlers(held));
    const address = await listen(peers, "127.0.0.1:0", net.serverCredentials(null));
    const { credentials, options } = net.clientSecurity(null, [], address);
    const client = new Blobs(address, credentials, options);
    try {
      return await blobs.pullByGrpc(client, sha256(photo));
    } finally {
      client.close();
      peers.forceShutdown();
    }
  }

  test.each(["http_proxy", "https_proxy"])("between machines takes no notice of %s", async (name) => {
    vi.stubEnv(name, dead);
    expect(Buffer.from(await pulled())).toEqual(photo);
  });

  test("goes through grpc_proxy", async () => {
    vi.stubEnv("grpc_proxy", proxy.url);
    expect(Buffer.from(await pulled())).toEqual(photo);
    expect(proxy.asked).toEqual([expect.stringMatching(/^CONNECT 127\.0\.0\.1:\d+$/)]);
  });
});
