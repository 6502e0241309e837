/** A worker that is let in no more finds out why: a real nats-server that refuses it, is gone, and is back. */
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { refusedPatienceMs } from "../../shared/limits.js";
import { type Bus, connectBus } from "../../shared/net/bus.js";
import { type StandingWatch, watchStanding } from "../../worker/adapters/standing.js";
import { type SecureBroker, startSecureBroker, TestAuthority } from "../support/authority.js";
import { until } from "../support/until.js";

const hourMs = 3_600_000;
let authority: TestAuthority;
let broker: SecureBroker;
let bus: Bus | null = null;
let watch: StandingWatch | null = null;
let said: string[] = [];
/** Ahead of the clock. */
let laterMs = 0;

beforeAll(async () => {
  authority = await TestAuthority.create();
  for (const name of ["gpu1", "gpu2", "gpu3"]) await authority.add(name, "worker");
  broker = await startSecureBroker(authority);
});

afterEach(async () => {
  watch?.stop();
  await bus?.connection.close();
  [said, laterMs] = [[], 0];
});

afterAll(async () => {
  await broker.stop();
  authority.clear();
});

async function watched(name: string): Promise<{ bus: Bus; watch: StandingWatch }> {
  const held = await authority.trust(name);
  // Of a machine to which no new list of revoked certificates has been copied.
  const trust = { ...held, revocations: { has: () => false, close: () => undefined } };
  const connect = { url: broker.url, name: "test", trust, timeoutMs: 2_000 };
  bus = await connectBus(connect);
  const warn = (text: string) => said.push(text);
  watch = watchStanding({ bus, connect, trust, warn, nowMs: () => Date.now() + laterMs, lookMs: 50 });
  return { bus, watch };
}

const sayings = (words: string) => said.filter((text) => text.includes(words));

test("refused by NATS: said in words, and after the patience the worker ends with that code", async () => {
  const { watch } = await watched("gpu2");
  await authority.revoke("gpu2");
  await until("the refusal", () => sayings("does not let the certificate of gpu2 in").length > 0);
  laterMs = refusedPatienceMs;
  await expect(watch.ended).rejects.toMatchObject({ code: "BROKER_REFUSED", exitCode: 4 });
});

test("its certificate ends: the worker ends, though its connection goes on", async () => {
  const { watch, bus } = await watched("gpu3");
  expect(sayings("the certificate of gpu3 ends at")).toHaveLength(1);
  laterMs = 25 * hourMs;
  await expect(watch.ended).rejects.toMatchObject({ code: "CERT_EXPIRED", exitCode: 4 });
  await bus.connection.flush();
});

test("a broker that goes away is waited for, however long, and its return is told", async () => {
  const port = broker.url;
  const { watch } = await watched("gpu1");
  let hasEnded = false;
  watch.ended.catch(() => {
    hasEnded = true;
  });
  await broker.stop();
  await until("it to be missed", () => sayings("no NATS server answers").length > 0);
  laterMs = 2 * hourMs;
  broker = await startSecureBroker(authority, port);
  await until("it to be back", () => sayings("NATS is back").length > 0);
  expect([hasEnded, sayings("no NATS server answers").length]).toEqual([false, 1]);
});
