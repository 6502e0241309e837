/** `seedgrow certs` by hand, and what the pages ask for when they leave loopback. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { get } from "node:https";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { kill } from "../support/processes.js";
import { Workplace } from "../support/seedgrow.js";
import { until } from "../support/until.js";

const place = new Workplace();
const ca = place.path("ca");

function certs(...args: readonly string[]) {
  return place.seedgrow("certs", ...args, "--dir", ca);
}

interface Listed {
  readonly name: string;
  readonly role: string;
  readonly sans: readonly string[];
  readonly revokedAt: string | null;
}

async function list(): Promise<Listed[]> {
  return (await certs("list", "--json").ends(0)).json<Listed[]>();
}

beforeAll(async () => {
  await certs("init").ends(0);
  await certs("add", "nats", "--role", "broker", "--san", "head,10.0.0.1").ends(0);
  await certs("add", "head", "--role", "coordinator").ends(0);
  await certs("add", "gpu1", "--role", "worker").ends(0);
});

afterAll(() => place.clear());

test("keys and certificates are readable by their owner alone", () => {
  const files = readdirSync(ca, { recursive: true, withFileTypes: true });
  expect(files.length).toBeGreaterThan(15);
  for (const file of files) {
    const path = join(file.parentPath, file.name);
    expect([path, statSync(path).mode & 0o777]).toEqual([path, file.isDirectory() ? 0o700 : 0o600]);
  }
  expect(statSync(ca).mode & 0o777).toBe(0o700);
});

test("a node's folder holds its own key, and no other", () => {
  expect(readdirSync(join(ca, "nodes", "gpu1")).sort()).toEqual(["ca.crl", "ca.crt", "node.crt", "node.key"]);
  expect(readFileSync(join(ca, "nodes/gpu1/node.key"), "utf8")).not.toBe(
    readFileSync(join(ca, "nodes/head/node.key"), "utf8"),
  );
});

test("names are those asked for, the machine's own, and loopback", async () => {
  const nats = (await list()).find(({ name }) => name === "nats")!;
  expect([...nats.sans].sort()).toEqual(["10.0.0.1", "127.0.0.1", "::1", "head", "localhost", "nats"]);
});

test("a second CA in the same folder, a second machine of one name, and names that are paths are refused", async () => {
  expect((await certs("init").ends(2)).stderr).toContain("has a CA already");
  expect((await certs("add", "gpu1", "--role", "worker").ends(2)).stderr).toContain("certs renew gpu1");
  for (const name of ["../x", "a/b", "", "a..b"]) await certs("add", name, "--role", "worker").ends(2);
  expect((await place.seedgrow("certs", "list", "--dir", place.path("none")).ends(4)).stderr).toContain("CERT_INVALID");
});

test("renewing keeps role and names; revoking takes back all of a machine's certificates", async () => {
  await certs("add", "gpu2", "--role", "worker", "--san", "10.0.0.2").ends(0);
  await certs("renew", "gpu2", "--san", "10.0.0.3").ends(0);
  const of = async () => (await list()).filter(({ name }) => name === "gpu2");
  expect((await of()).map(({ role, revokedAt }) => [role, revokedAt])).toEqual([
    ["worker", null],
    ["worker", null],
  ]);
  expect((await of())[1]!.sans).toEqual(expect.arrayContaining(["10.0.0.2", "10.0.0.3", "gpu2"]));
  await certs("revoke", "gpu2").ends(0);
  expect((await of()).every(({ revokedAt }) => revokedAt !== null)).toBe(true);
  const shown = await certs("list").ends(0);
  expect(shown.stdout).toMatch(/gpu2.*revoked/);
});

test("the list of NATS's users holds who is good, and nobody else", async () => {
  await certs("nats-config", "nats", "--listen", "127.0.0.1:4222").ends(0);
  const users = readFileSync(join(ca, "nodes/nats/users.conf"), "utf8");
  expect([...users.matchAll(/# (\S+), (\S+)$/gm)].map((match) => match[1])).toEqual(["gpu1", "head"]);
  expect((await certs("nats-config", "gpu1").ends(4)).stderr).toContain("CERT_ROLE");
});

describe("the dashboard off loopback", () => {
  test("is refused without certificates", async () => {
    const refused = await place.seedgrow("dashboard", "--host", "0.0.0.0", "--port", "0").ends(2);
    expect(refused.stderr).toContain("INSECURE_ADDRESS");
  });

  test("speaks TLS and asks for the token that it printed", async () => {
    const node = join(ca, "nodes/head");
    const page = place.seedgrow("dashboard", "--host", "0.0.0.0", "--port", "0", "--json", "--certs", node);
    await until("its address", () => page.stdout.includes("\n"));
    const url = new URL(page.json<{ url: string }>().url);
    expect(url.protocol).toBe("https:");
    const status = (path: string, headers: Record<string, string> = {}) =>
      new Promise((resolve, reject) => {
        const options = { ca: readFileSync(join(node, "ca.crt")), port: url.port, headers };
        get(`https://localhost${path}`, options, (answer) => resolve(answer.resume().statusCode)).on("error", reject);
      });
    expect(await status("/api/runs")).toBe(401);
    expect(await status(`/${url.search}`)).toBe(303);
    expect(await status("/api/runs", { Authorization: `Bearer ${url.searchParams.get("token")}` })).toBe(200);
    kill(page.pid, "SIGINT");
    await page.ends(0);
  });
});
