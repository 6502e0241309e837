/** Who is let in by NATS, and what they may say there: a real nats-server with the configuration that `certs` writes. */
import type { NatsError } from "nats";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { askCoordinator, listenForControl, pingCoordinator } from "../../coordinator/adapters/control.js";
import { EventLog } from "../../coordinator/adapters/event-log.js";
import { Leases } from "../../coordinator/adapters/leases.js";
import { readStatus } from "../../coordinator/adapters/status-store.js";
import { type Bus, connectBus, publishJson } from "../../shared/net/bus.js";
import { handshakeProblem } from "../../shared/net/handshake.js";
import { labelBucket, leaseBucket, subjects } from "../../shared/net/subjects.js";
import { loadTrust, type Trust } from "../../shared/net/trust.js";
import { busPackStore } from "../../worker/adapters/label-packs.js";
import { startPresence } from "../../worker/adapters/presence.js";
import { type SecureBroker, startSecureBroker, TestAuthority } from "../support/authority.js";
import { startBroker } from "../support/broker.js";
import { until } from "../support/until.js";

const dayMs = 24 * 3600 * 1000;
let ours: TestAuthority;
let theirs: TestAuthority;
let broker: SecureBroker;
const open: Bus[] = [];

beforeAll(async () => {
  [ours, theirs] = await Promise.all([TestAuthority.create(), TestAuthority.create()]);
  await ours.add("head", "coordinator");
  await ours.add("gpu1", "worker");
  await ours.add("gpu2", "worker");
  await ours.add("guest", "viewer");
  await ours.add("old", "worker", { nowMs: Date.now() - 3 * dayMs });
  await theirs.add("gpu1", "worker");
  await theirs.add("nats", "broker");
  broker = await startSecureBroker(ours);
});

afterEach(async () => {
  for (const { connection } of open.splice(0)) await connection.close();
});

afterAll(async () => {
  await broker.stop();
  ours.clear();
  theirs.clear();
});

async function join(trust: Trust | null, url = broker.url): Promise<Bus> {
  const bus = await connectBus({ url, name: "test", trust, timeoutMs: 2_000 });
  open.push(bus);
  return bus;
}

async function as(name: string): Promise<Bus> {
  return join(await ours.trust(name));
}

/** The subjects that the server refuses on this connection. */
function refusedOn(bus: Bus): string[] {
  const refused: string[] = [];
  void (async () => {
    for await (const { permissionContext } of bus.connection.status()) {
      if (permissionContext) refused.push(permissionContext.subject);
    }
  })();
  return refused;
}

describe("nats-server lets in", () => {
  test("a coordinator, a worker and a viewer", async () => {
    for (const name of ["head", "gpu1", "guest"]) await (await as(name)).connection.flush();
  });

  test("nobody without a certificate", async () => {
    await expect(join(null)).rejects.toMatchObject({ code: "CERT_MISSING" });
  });

  test("nobody of another CA", async () => {
    await expect(join(await theirs.trust("gpu1"))).rejects.toMatchObject({ code: "CERT_UNKNOWN_CA" });
    const careless = { ...(await theirs.trust("gpu1")), ca: (await ours.trust("head")).ca };
    await expect(join(careless)).rejects.toMatchObject({ code: expect.stringMatching(/^(CERT|BROKER)_/) });
  });

  test("nobody with an expired certificate", async () => {
    const old = await loadTrust(ours.of("old"), { roles: ["worker"], nowMs: Date.now() - 3 * dayMs });
    await expect(join(old)).rejects.toMatchObject({ code: "CERT_EXPIRED" });
  });

  test("nobody whose certificate is revoked, and those that are in must leave", async () => {
    const trust = await ours.trust("gpu2");
    const { connection } = await join(trust);
    const gone = (async () => {
      for await (const { type } of connection.status()) if (type === "disconnect") return true;
      return false;
    })();
    await ours.revoke("gpu2");
    await expect(ours.trust("gpu2")).rejects.toMatchObject({ code: "CERT_REVOKED" });
    expect(await gone).toBe(true);
    await expect(join(trust)).rejects.toMatchObject({ code: "BROKER_REFUSED" });
  });

  test("a certificate as soon as it is issued", async () => {
    await ours.add("gpu9", "worker");
    const trust = await ours.trust("gpu9");
    await until("the server to have read its users", () => join(trust).catch(() => null));
  });
});

describe("a client does not talk to", () => {
  test("a server that is no broker of its CA", async () => {
    const broker2 = await startSecureBroker(theirs);
    try {
      const trust = await ours.trust("gpu1");
      await expect(join(trust, broker2.url)).rejects.toMatchObject({ code: "CERT_UNKNOWN_CA" });
      // What is asked for where nats.js drops it.
      const { hostname, port } = new URL(`nats://${broker2.url}`);
      const heard = await handshakeProblem(hostname, Number(port), trust);
      expect(heard?.message).toMatch(/^(UNABLE_TO|SELF_SIGNED)/);
    } finally {
      await broker2.stop();
    }
  });

  test("a server in the clear, when it has certificates", async () => {
    const plain = await startBroker();
    try {
      await expect(join(await ours.trust("gpu1"), plain.url)).rejects.toMatchObject({ code: "PEER_PLAINTEXT" });
    } finally {
      await plain.stop();
    }
  });
});

describe("a worker", () => {
  test("may beat, hear of its lease and read label packs: nothing of that is refused", async () => {
    const [head, gpu1] = await Promise.all([as("head"), as("gpu1")]);
    const refused = refusedOn(gpu1);
    let renewals = 0;
    const presence = await startPresence({
      bus: gpu1,
      workerId: "gpu1",
      beat: () => ({}) as never,
      onRenewed: () => renewals++,
    });
    const owner = { runId: "r", coordinatorId: "c", sitting: 1 };
    const leases = await Leases.open(head, owner, () => undefined);
    await leases.take("gpu1");
    await until("the lease to be heard of", () => renewals > 0);
    const store = await head.connection.jetstream().views.os(labelBucket);
    await store.putBlob({ name: "pack" }, Buffer.from("labels"));
    expect(Buffer.from((await busPackStore(gpu1).get("pack"))!).toString()).toBe("labels");
    presence.stop();
    await gpu1.connection.flush();
    expect(refused).toEqual([]);
    await leases.releaseAll();
  });

  test.each([
    ["stop a run", subjects.control("r")],
    ["write events", subjects.event("r")],
    ["take a lease", `$KV.${leaseBucket}.gpu1`],
    ["publish labels", `$O.${labelBucket}.C.x`],
    ["delete the leases", `$JS.API.STREAM.DELETE.KV_${leaseBucket}`],
    ["answer somebody else's request", "_INBOX_0.x"],
  ])("may not %s", async (_, subject) => {
    const gpu1 = await as("gpu1");
    const refused = refusedOn(gpu1);
    publishJson(gpu1, subject, {});
    await until("the refusal", () => refused.length > 0);
    expect(refused).toEqual([subject]);
  });

  test.each(["seedgrow.>", "_INBOX.>", "_INBOX_*.>", "$KV.>"])("may not listen to %s", async (subject) => {
    const gpu1 = await as("gpu1");
    const refused = new Promise<NatsError | null>((resolve) =>
      gpu1.connection.subscribe(subject, { callback: resolve }),
    );
    expect((await refused)?.code).toBe("PERMISSIONS_VIOLATION");
  });
});

describe("a viewer", () => {
  test("may look at a run and ask whether it lives, but not stop it", async () => {
    const [head, guest] = await Promise.all([as("head"), as("guest")]);
    await EventLog.prepare(head);
    const stops: string[] = [];
    const end = await listenForControl(head, "r", (reason) => stops.push(reason));
    await head.connection.flush();
    const refused = refusedOn(guest);
    await pingCoordinator(guest, "r");
    expect(await readStatus(guest, "r")).toBeNull();
    expect(refused).toEqual([]);
    await expect(askCoordinator(guest, "r", { op: "stop" })).rejects.toMatchObject({ code: "CERT_ROLE" });
    expect(stops).toEqual([]);
    await askCoordinator(head, "r", { op: "stop" });
    expect(stops).toHaveLength(1);
    await end();
  });

  test.each([subjects.beat, subjects.event("r"), subjects.announce("r"), `$KV.${leaseBucket}.gpu1`])(
    "may not publish %s",
    async (subject) => {
      const guest = await as("guest");
      const refused = refusedOn(guest);
      publishJson(guest, subject, {});
      await until("the refusal", () => refused.length > 0);
      expect(refused).toEqual([subject]);
    },
  );
});
