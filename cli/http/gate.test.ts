/** Pages behind a token: a real server, real requests. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type Gate, gateFor, openGate } from "./gate.js";
import { type Listening, listen, type Route, sendJson } from "./http.js";

const token = "0123456789abcdef0123";
const dir = mkdtempSync(join(tmpdir(), "seedgrow-gate-"));
const secret: Route = { method: "GET", path: /^\/secret$/, handle: (_, response) => sendJson(response, { ok: true }) };
const write: Route = { method: "PUT", path: /^\/secret$/, handle: (_, response) => sendJson(response, { ok: true }) };
const opened: Listening[] = [];
let base = "";

async function serve(gate: Gate): Promise<string> {
  const server = await listen({ host: "127.0.0.1", port: 0, routes: [secret, write], gate });
  opened.push(server);
  return server.url;
}

beforeAll(() => {
  writeFileSync(join(dir, "token"), `${token}\n`, { mode: 0o600 });
});

afterEach(async () => {
  for (const server of opened.splice(0)) await server.close();
});

afterAll(() => rmSync(dir, { recursive: true, force: true }));

describe("a server with a token", () => {
  const ask = (path: string, options: RequestInit = {}) => fetch(`${base}${path}`, { redirect: "manual", ...options });

  test("answers nobody who does not show it", async () => {
    base = await serve({ ...openGate, token });
    for (const path of ["secret", "nowhere", "", "secret?token=wrong", "secret?token="]) {
      const answer = await ask(path);
      expect([path, answer.status]).toEqual([path, 401]);
      expect(answer.headers.get("www-authenticate")).toBe("Bearer");
      expect(await answer.json()).toMatchObject({ error: { code: "TOKEN_REQUIRED" } });
    }
    const wrong = { Authorization: `Bearer ${token}x` };
    expect((await ask("secret", { headers: wrong })).status).toBe(401);
    expect((await ask(`secret?token=${token}`, { method: "PUT" })).status).toBe(401);
  });

  test("answers a program that sends the header", async () => {
    base = await serve({ ...openGate, token });
    const answer = await ask("secret", { headers: { Authorization: `Bearer ${token}` } });
    expect(await answer.json()).toEqual({ ok: true });
  });

  test("gives a browser a cookie for the token in the address, and takes it out of there", async () => {
    base = await serve({ ...openGate, token });
    const first = await ask(`secret?token=${token}&x=1`);
    expect([first.status, first.headers.get("location")]).toEqual([303, "/secret?x=1"]);
    const cookie = first.headers.get("set-cookie")!;
    expect(cookie).toMatch(/; HttpOnly; SameSite=Strict; Path=\/$/);
    const headers = { Cookie: `other=1; ${cookie.split(";")[0]}` };
    expect((await ask("secret", { headers })).status).toBe(200);
    expect((await ask("secret", { method: "PUT", headers })).status).toBe(200);
  });

  test("leads nobody elsewhere", async () => {
    base = await serve({ ...openGate, token });
    for (const path of ["/evil.example", "//evil.example/x", "%5Cevil.example", "..//evil.example"]) {
      const answer = await ask(`${path}?token=${token}`);
      expect([path, answer.status, answer.headers.get("location")]).toEqual([
        path,
        303,
        expect.stringMatching(/^\/(?![/\\])/),
      ]);
    }
  });
});

describe("which gate", () => {
  test("on loopback: none, unless a token is given", async () => {
    expect(await gateFor({ host: "127.0.0.1" }, {})).toEqual(openGate);
    expect(await gateFor({ host: "localhost" }, { SEEDGROW_TOKEN: token })).toMatchObject({ token, isNew: false });
    expect(await gateFor({ host: "::1", tokenFile: join(dir, "token") }, {})).toMatchObject({ token });
  });

  test("off loopback without certificates: refused", async () => {
    await expect(gateFor({ host: "0.0.0.0" }, { SEEDGROW_TOKEN: token })).rejects.toMatchObject({
      code: "INSECURE_ADDRESS",
    });
  });

  test("off loopback, said aloud: a token all the same, another one every time", async () => {
    const gates = await Promise.all([1, 2].map(() => gateFor({ host: "0.0.0.0", insecure: true }, {})));
    expect(gates.map((gate) => gate.isNew)).toEqual([true, true]);
    expect(gates[0]!.token).toMatch(/^[0-9a-f]{32}$/);
    expect(gates[0]!.token).not.toBe(gates[1]!.token);
  });

  test.each(["short", "with a space in it", "0123456789abcde\r\nx: y"])("the token %j is refused", async (bad) => {
    await expect(gateFor({ host: "127.0.0.1" }, { SEEDGROW_TOKEN: bad })).rejects.toMatchObject({
      code: "TOKEN_INVALID",
    });
  });

  test("a token file that others can read is refused", async () => {
    const path = join(dir, "open");
    writeFileSync(path, token);
    chmodSync(path, 0o644);
    await expect(gateFor({ host: "127.0.0.1", tokenFile: path }, {})).rejects.toMatchObject({ code: "TOKEN_INVALID" });
  });
});
