/** Workers that nobody dials: real gRPC through real tunnels. */
import { createServer, type Server, type Socket } from "node:net";
import * as grpc from "@grpc/grpc-js";
import { afterEach, describe, expect, test } from "vitest";
import { Tunnels } from "../../coordinator/adapters/tunnels.js";
import { sha256 } from "../../shared/codec/digest.js";
import { blobHandlers, MemoryBlobs, pullByGrpc } from "../../shared/net/blobs.js";
import { openServer, serverCredentials } from "../../shared/net/credentials.js";
import { Blobs, Tunnel } from "../../shared/net/proto.js";
import { listen } from "../../shared/net/rpc.js";
import { CallHome } from "../../worker/adapters/call-home.js";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const plain = { trust: null, isInsecure: false, log: () => undefined };
const large = Buffer.alloc(20 * 1024 * 1024, "seedgrow");
const small = Buffer.from("small");

async function coordinator(timeoutMs?: number): Promise<{ tunnels: Tunnels; address: string }> {
  const tunnels = await Tunnels.open(timeoutMs);
  const server = openServer({ trust: null, access: {} });
  server.addService(Tunnel.service, tunnels.handlers());
  const address = await listen(server, "127.0.0.1:0", serverCredentials(null));
  closers.push(() => server.forceShutdown());
  closers.push(() => tunnels.close());
  return { tunnels, address };
}

async function worker(workerId: string, coordinatorAddress: string) {
  const blobs = new MemoryBlobs();
  for (const bytes of [large, small, Buffer.from(workerId)]) blobs.put(bytes);
  const server = openServer({ trust: null, access: {} });
  server.addService(Blobs.service, blobHandlers(blobs));
  const ownAddress = await listen(server, "127.0.0.1:0", serverCredentials(null));
  const home = new CallHome({ ...plain, workerId, ownAddress });
  closers.push(() => server.forceShutdown());
  closers.push(() => home.close());
  home.hear(coordinatorAddress);
  return home;
}

function clientOf(address: string) {
  const client = new Blobs(address, grpc.credentials.createInsecure(), { "grpc.use_local_subchannel_pool": 1 });
  closers.push(() => client.close());
  return client;
}

describe("through a worker's call", () => {
  test("gRPC arrives whole, large and small at once, from several connections", async () => {
    const { tunnels, address } = await coordinator();
    await worker("w1", address);
    const clients = await Promise.all([1, 2, 3].map(async () => clientOf((await tunnels.reach("w1")).address)));
    const pulled = await Promise.all(
      clients.flatMap((client) => [pullByGrpc(client, sha256(large)), pullByGrpc(client, sha256(small))]),
    );
    expect(pulled.map(sha256)).toEqual([1, 2, 3].flatMap(() => [sha256(large), sha256(small)]));
  });

  test("every worker is reached through its own", async () => {
    const { tunnels, address } = await coordinator();
    await Promise.all(["w1", "w2"].map((id) => worker(id, address)));
    for (const id of ["w1", "w2"]) {
      const digest = sha256(Buffer.from(id));
      const other = sha256(Buffer.from(id === "w1" ? "w2" : "w1"));
      const client = clientOf((await tunnels.reach(id)).address);
      expect(String(Buffer.from(await pullByGrpc(client, digest)))).toBe(id);
      await expect(pullByGrpc(client, other)).rejects.toMatchObject({ code: grpc.status.NOT_FOUND });
    }
  });

  test("a worker that calls again is reached through the new call", async () => {
    const { tunnels, address } = await coordinator();
    const home = await worker("w1", address);
    const before = await tunnels.reach("w1");
    home.close();
    await expect(pullByGrpc(clientOf(before.address), sha256(small))).rejects.toMatchObject({
      code: grpc.status.UNAVAILABLE,
    });
    home.hear(address);
    const client = clientOf((await tunnels.reach("w1")).address);
    expect(await pullByGrpc(client, sha256(small))).toEqual(Uint8Array.from(small));
  });

  test("one that breaks in the middle of a transfer ends it with an error, not with silence", async () => {
    const { tunnels, address } = await coordinator();
    const relay = await openRelay(address);
    await worker("w1", relay.address);
    const pulling = pullByGrpc(clientOf((await tunnels.reach("w1")).address), sha256(large));
    pulling.catch(() => undefined);
    await relay.carried(1024 * 1024);
    relay.cut();
    await expect(pulling).rejects.toMatchObject({ code: grpc.status.UNAVAILABLE });
  });
});

test("a worker that never calls is an error that says what to look at", async () => {
  const { tunnels } = await coordinator(100);
  await expect(tunnels.reach("w9")).rejects.toMatchObject({
    code: "PEER_UNREACHABLE",
    message: "w9 cannot be dialled, and has not called within 0.1 s",
  });
});

/** A TCP relay that can be cut. */
async function openRelay(target: string) {
  const sockets: Socket[] = [];
  let bytes = 0;
  const server: Server = createServer((near) => {
    const far = new (near.constructor as typeof Socket)();
    far.connect(Number(target.split(":")[1]), "127.0.0.1");
    for (const socket of [near, far]) {
      socket.on("error", () => undefined);
      sockets.push(socket);
    }
    near.on("data", (data) => {
      bytes += data.length;
    });
    near.pipe(far);
    far.pipe(near);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(() => server.close());
  const cut = () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  const carried = async (least: number) => {
    while (bytes < least) await new Promise((resolve) => setTimeout(resolve, 5));
  };
  return { address: `127.0.0.1:${(server.address() as { port: number }).port}`, cut, carried };
}
