/** Who is let in by gRPC: real servers and clients on loopback, certificates of a real CA. */
import * as grpc from "@grpc/grpc-js";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { bytesOf } from "../../shared/codec/digest.js";
import { AppError } from "../../shared/errors.js";
import type { BlobsClient } from "../../shared/gen/seedgrow/v1/Blobs.js";
import { encode } from "../../shared/math/wire.js";
import { blobHandlers, MemoryBlobs, pullByGrpc } from "../../shared/net/blobs.js";
import { BulkLine, filling } from "../../shared/net/bulk-line.js";
import { clientSecurity, openServer, serverCredentials } from "../../shared/net/credentials.js";
import type { Role } from "../../shared/net/identity.js";
import { listenOnOnePort } from "../../shared/net/one-port.js";
import { type VectorRange, vectorBulk, vectorRequest } from "../../shared/net/peers.js";
import { Blobs } from "../../shared/net/proto.js";
import { listen, peerError } from "../../shared/net/rpc.js";
import { loadTrust, type Trust } from "../../shared/net/trust.js";
import { peerRoles, workerAccess } from "../../worker/access.js";
import { TestAuthority } from "../support/authority.js";
import { until } from "../support/until.js";

const dayMs = 24 * 3600 * 1000;
const closers: (() => void)[] = [];
const blobs = new MemoryBlobs();
const digest = blobs.put(Buffer.from("a photo"));
let ours: TestAuthority;
let theirs: TestAuthority;

beforeAll(async () => {
  [ours, theirs] = await Promise.all([TestAuthority.create(), TestAuthority.create()]);
  await ours.add("head", "coordinator");
  await ours.add("gpu1", "worker");
  await ours.add("gpu2", "worker");
  await ours.add("peer", "worker");
  await ours.add("guest", "viewer");
  await ours.add("elsewhere", "coordinator", { sans: ["other-name"] });
  await ours.add("old", "worker", { nowMs: Date.now() - 3 * dayMs });
  await ours.add("early", "worker", { nowMs: Date.now() + 3 * dayMs });
  await ours.add("old-head", "coordinator", { nowMs: Date.now() - 3 * dayMs });
  await theirs.add("head", "coordinator");
  await theirs.add("gpu1", "worker");
});

afterEach(() => {
  for (const close of closers.splice(0).reverse()) close();
});

afterAll(() => {
  ours.clear();
  theirs.clear();
});

/** Serves the blob to workers as a coordinator does. */
async function serve(trust: Trust | null, host = "127.0.0.1"): Promise<string> {
  const server = openServer({ trust, access: { "seedgrow.v1.Blobs": ["worker"] } });
  server.addService(Blobs.service, blobHandlers(blobs));
  closers.push(() => server.forceShutdown());
  return listen(server, `${host}:0`, serverCredentials(trust));
}

function dial(address: string, trust: Trust | null, roles: readonly Role[] = ["coordinator"]): BlobsClient {
  const { credentials, options } = clientSecurity(trust, roles, address);
  return open(address, credentials, options);
}

/** By the name that all certificates have: node warns of TLS to a bare IP address. */
function dialWith(address: string, credentials: grpc.ChannelCredentials): BlobsClient {
  return open(address.replace("127.0.0.1", "localhost"), credentials, {});
}

function open(address: string, credentials: grpc.ChannelCredentials, options: grpc.ClientOptions): BlobsClient {
  const client = new Blobs(address, credentials, { ...options, "grpc.use_local_subchannel_pool": 1 });
  closers.push(() => client.close());
  return client;
}

/** What pulling fails with; null: it does not. */
async function refusal(client: BlobsClient): Promise<Pick<AppError, "code" | "message"> | null> {
  return pullByGrpc(client, digest).then(
    () => null,
    (error: unknown) => peerError(error) ?? { code: "INTERNAL", message: (error as Error).message },
  );
}

/** Trust as a cheat would have it: nothing about its own certificate was checked. */
async function unchecked(authority: TestAuthority, name: string, nowMs: number): Promise<Trust> {
  return loadTrust(authority.of(name), { roles: ["worker", "coordinator"], nowMs });
}

describe("a coordinator's blobs", () => {
  test("go to a worker of the cluster", async () => {
    const address = await serve(await ours.trust("head"));
    expect(await refusal(dial(address, await ours.trust("gpu1")))).toBeNull();
    expect(await refusal(dial(`localhost:${address.split(":")[1]}`, await ours.trust("gpu1")))).toBeNull();
  });

  test("are refused to a client in the clear, and to one without a certificate", async () => {
    const trust = await ours.trust("head");
    const address = await serve(trust);
    expect(await refusal(dial(address, null))).not.toBeNull();
    expect(await refusal(dialWith(address, grpc.credentials.createSsl(trust.ca)))).not.toBeNull();
  });

  test("are refused to the certificate of another CA, even if it does not look whom it talks to", async () => {
    const address = await serve(await ours.trust("head"));
    const stranger = await theirs.trust("gpu1");
    expect(await refusal(dial(address, stranger))).toMatchObject({ code: "CERT_UNKNOWN_CA" });
    const { ca } = await ours.trust("head");
    const careless = grpc.credentials.createSsl(ca, stranger.key, stranger.cert);
    expect(await refusal(dialWith(address, careless))).not.toBeNull();
  });

  test.each([
    ["expired", "old", -3],
    ["not yet valid", "early", 3],
  ])("are refused to a certificate that is %s", async (_, name, days) => {
    const address = await serve(await ours.trust("head"));
    const cheat = await unchecked(ours, name, Date.now() + days * dayMs);
    expect(await refusal(dial(address, cheat))).not.toBeNull();
  });

  test("are refused to a viewer and to another coordinator, with the role that it takes", async () => {
    const address = await serve(await ours.trust("head"));
    const refused = { code: "CERT_ROLE", message: expect.stringContaining("this takes that of a worker") };
    expect(await refusal(dial(address, await ours.trust("guest")))).toMatchObject(refused);
    expect(await refusal(dial(address, await ours.trust("head")))).toMatchObject(refused);
  });

  test("are refused to a worker whose certificate is revoked while it is connected", async () => {
    const address = await serve(await ours.trust("head"));
    const client = dial(address, await ours.trust("gpu2"));
    expect(await refusal(client)).toBeNull();
    await ours.revoke("gpu2");
    const problem = await until("the CRL to be read", () => refusal(client));
    expect(problem).toMatchObject({ code: "CERT_REVOKED", message: expect.stringContaining("gpu2") });
  });

  test("are not served by a service that is not listed", async () => {
    const trust = await ours.trust("head");
    const server = openServer({ trust, access: {} });
    server.addService(Blobs.service, blobHandlers(blobs));
    closers.push(() => server.forceShutdown());
    const address = await listen(server, "127.0.0.1:0", serverCredentials(trust));
    expect(await refusal(dial(address, await ours.trust("gpu1")))).toMatchObject({ code: "CERT_ROLE" });
  });
});

describe("a worker does not talk to", () => {
  test("a coordinator of another CA", async () => {
    const address = await serve(await theirs.trust("head"));
    expect(await refusal(dial(address, await ours.trust("gpu1")))).toMatchObject({ code: "CERT_UNKNOWN_CA" });
  });

  test("a worker that passes itself off as the coordinator", async () => {
    const address = await serve(await ours.trust("gpu1"));
    expect(await refusal(dial(address, await ours.trust("gpu1")))).toMatchObject({ code: "CERT_ROLE" });
  });

  test("a coordinator with a certificate for another name", async () => {
    const address = await serve(await ours.trust("elsewhere"));
    expect(await refusal(dial(address, await ours.trust("gpu1")))).toMatchObject({ code: "CERT_WRONG_NAME" });
  });

  test("a coordinator whose certificate has expired", async () => {
    const address = await serve(await unchecked(ours, "old-head", Date.now() - 3 * dayMs));
    expect(await refusal(dial(address, await ours.trust("gpu1")))).toMatchObject({ code: "CERT_EXPIRED" });
  });

  test("somebody who does not speak TLS", async () => {
    const address = await serve(null);
    expect(await refusal(dial(address, await ours.trust("gpu1")))).toMatchObject({ code: "PEER_PLAINTEXT" });
  });
});

describe("a folder of certificates is refused at once", () => {
  test.each([
    ["old", "CERT_EXPIRED"],
    ["early", "CERT_NOT_YET_VALID"],
  ])("when it is out of its time: %s", async (name, code) => {
    await expect(ours.trust(name)).rejects.toMatchObject({ code });
  });

  test("when it was revoked", async () => {
    await ours.add("gpu3", "worker");
    await ours.revoke("gpu3");
    await expect(ours.trust("gpu3")).rejects.toMatchObject({ code: "CERT_REVOKED" });
  });

  test("when its role is another", async () => {
    const options = { roles: ["worker"], nowMs: Date.now() } as const;
    await expect(loadTrust(ours.of("guest"), options)).rejects.toMatchObject({ code: "CERT_ROLE" });
  });
});

describe("a worker's part of the model", () => {
  const numbers = encode("f32", Float32Array.of(1, 2, 3, 4), 2);
  const source = { vector: (run: string, name: string) => (run === "r1" && name === "sum" ? numbers : null) };
  const serveWorker = async () => {
    const trust = await ours.trust("gpu1");
    const grpcServer = openServer({ trust, access: workerAccess });
    grpcServer.addService(Blobs.service, blobHandlers(blobs));
    const bulk = { vector: { answer: vectorBulk(source), roles: peerRoles } };
    const port = await listenOnOnePort({ address: "127.0.0.1:0", trust, grpcServer, bulk });
    closers.push(port.close);
    return port.address;
  };
  const lineTo = async (address: string, trust: Trust | null) => {
    const line = new BulkLine({ address, trust, roles: ["worker"], idleMs: 5_000 });
    closers.push(() => line.close());
    return async (range: Partial<VectorRange> = {}) => {
      const target = new Float32Array(2);
      const wanted = vectorRequest({ runId: "r1", name: "sum", first: 1, end: 3, ...range });
      await line.pull(wanted, filling(bytesOf(target)));
      return [...target];
    };
  };
  const pullWith = async (trust: Trust | null, address: string, range: Partial<VectorRange> = {}) => {
    return (await lineTo(address, trust))(range);
  };
  const pullAs = async (address: string, name: string, range: Partial<VectorRange> = {}) => {
    return pullWith(await ours.trust(name), address, range);
  };

  test("goes to other workers, in ranges, and only to who is in the run", async () => {
    const address = await serveWorker();
    expect(await pullAs(address, "peer")).toEqual([2, 3]);
    await expect(pullAs(address, "peer", { runId: "r2" })).rejects.toThrow("no numbers 1 to 3 of sum");
    await expect(pullAs(address, "peer", { end: 9 })).rejects.toThrow("no numbers 1 to 9 of sum");
  });

  test("does not go to viewers; nor do a worker's results go to other workers", async () => {
    const address = await serveWorker();
    await expect(pullAs(address, "guest")).rejects.toMatchObject({ code: "CERT_ROLE" });
    expect(await refusal(dial(address, await ours.trust("peer"), ["worker"]))).toMatchObject({
      code: "CERT_ROLE",
    });
  });

  test("does not go to strangers, nor in the clear", async () => {
    const address = await serveWorker();
    await expect(pullWith(await theirs.trust("gpu1"), address)).rejects.toMatchObject({ code: "CERT_UNKNOWN_CA" });
    await expect(pullWith(null, address)).rejects.toMatchObject({ code: "PEER_UNREACHABLE" });
  });

  test("does not go to a worker whose certificate is revoked while it is connected, nor is it taken from one", async () => {
    const address = await serveWorker();
    await ours.add("gpu4", "worker");
    const pull = await lineTo(address, await ours.trust("gpu4"));
    expect(await pull()).toEqual([2, 3]);
    await ours.revoke("gpu4");
    await until("the CRL to be read by the one who is asked", () => pull().then(() => null, AppError.from));
    await expect(pull()).rejects.toMatchObject({ code: "CERT_REVOKED", message: expect.stringContaining("gpu4") });
    const pullFrom = await lineTo(address, await ours.trust("peer"));
    expect(await pullFrom()).toEqual([2, 3]);
    await ours.revoke("gpu1");
    await until("the CRL to be read by the one who asks", () => pullFrom().then(() => null, AppError.from));
    await expect(pullFrom()).rejects.toMatchObject({ code: "CERT_REVOKED", message: expect.stringContaining("gpu1") });
  });
});
