/** Who asks a worker's health port, with the standard service and no certificate, hears that and nothing else. */
import { createRequire } from "node:module";
import * as grpc from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { afterEach, expect, test } from "vitest";
import { Worker } from "../../shared/net/proto.js";
import { WorkerHealth } from "../../worker/adapters/health.js";
import { freePort } from "../support/ports.js";

const { protoPath } = createRequire(import.meta.url)("grpc-health-check") as { protoPath: string };
const { grpc: loaded } = grpc.loadPackageDefinition(loadSync(protoPath, { enums: String })) as unknown as {
  grpc: { health: { v1: { Health: grpc.ServiceClientConstructor } } };
};
const closers: (() => void)[] = [];

afterEach(() => {
  for (const close of closers.splice(0)) close();
});

async function serve(): Promise<{ health: WorkerHealth; address: string }> {
  const health = new WorkerHealth();
  const port = await freePort();
  const close = await health.serve(String(port));
  closers.push(() => void close());
  return { health, address: `127.0.0.1:${port}` };
}

function ask(address: string, service: string): Promise<string> {
  const client = new loaded.health.v1.Health(address, grpc.credentials.createInsecure());
  closers.push(() => client.close());
  return new Promise((resolve, reject) => {
    client.Check!({ service }, (error: grpc.ServiceError | null, reply: { status: string }) => {
      if (error) reject(error);
      else resolve(reply.status);
    });
  });
}

test("it serves until it drains, and lives while it drains", async () => {
  const { health, address } = await serve();
  expect([await ask(address, ""), await ask(address, "live")]).toEqual(["SERVING", "SERVING"]);
  health.drain();
  expect([await ask(address, ""), await ask(address, "live")]).toEqual(["NOT_SERVING", "SERVING"]);
  await expect(ask(address, "other")).rejects.toMatchObject({ code: grpc.status.NOT_FOUND });
});

test("it takes no commands", async () => {
  const { address } = await serve();
  const client = new Worker(address, grpc.credentials.createInsecure());
  closers.push(() => client.close());
  const answer = new Promise((_, reject) => client.Ping({ lease: null }, (error) => reject(error)));
  await expect(answer).rejects.toMatchObject({ code: grpc.status.UNIMPLEMENTED });
});

test("an address that is none is refused", async () => {
  await expect(new WorkerHealth().serve("here")).rejects.toMatchObject({ code: "USAGE" });
});
