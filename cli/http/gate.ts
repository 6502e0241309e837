/**
 * Who may see the pages of `serve` and `dashboard`. On loopback everybody on this machine, as ever; elsewhere whoever has
 * the token, over TLS. A browser shows it once in the address and then keeps it in a cookie; programs send a header.
 */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { AppError } from "../../shared/errors.js";
import { isLoopback, requirePrivate } from "../../shared/net/exposure.js";
import { certsDir, trustIn } from "../../shared/net/trust.js";

export interface Gate {
  /** Null: nobody is asked. */
  readonly token: string | null;
  /** The token was made just now: nobody knows it yet. */
  readonly isNew: boolean;
  /** PEM; null: in the clear. */
  readonly tls: { readonly ca: Buffer; readonly cert: Buffer; readonly key: Buffer } | null;
}

export interface GateFlags {
  readonly host: string;
  readonly tokenFile?: string;
  readonly certs?: string;
  readonly insecure?: boolean;
}

export const openGate: Gate = { token: null, isNew: false, tls: null };

const tokenLengthMin = 16;

/** @throws AppError INSECURE_ADDRESS, TOKEN_INVALID, CERT_... */
export async function gateFor(flags: GateFlags, env: Readonly<Record<string, string | undefined>>): Promise<Gate> {
  const given = flags.tokenFile === undefined ? env.SEEDGROW_TOKEN || null : await readToken(flags.tokenFile);
  if (given !== null && !/^[\w.~+/=-]+$/.test(given)) throw invalid("the token has characters that no header may hold");
  if (given !== null && given.length < tokenLengthMin) throw invalid(`the token has ${given.length} characters`);
  if (isLoopback(flags.host)) return { ...openGate, token: given };
  const tls = await trustIn(certsDir(flags.certs ?? "", env), ["coordinator", "worker"]);
  requirePrivate({ "--host": flags.host }, tls !== null, flags.insecure === true);
  tls?.revocations.close();
  return { token: given ?? randomBytes(16).toString("hex"), isNew: given === null, tls };
}

export type Admission =
  | { readonly kind: "in" }
  | { readonly kind: "out" }
  /** The token was in the address: the page is shown again without it, so that it stays in no history. */
  | { readonly kind: "again"; readonly location: string };

/** @param port tells the cookies of two servers on one host apart. */
export function admit({ token }: Pick<Gate, "token">, raw: IncomingMessage, url: URL, port: number): Admission {
  if (token === null) return { kind: "in" };
  const shown = /^Bearer (.+)$/.exec(raw.headers.authorization ?? "")?.[1] ?? cookieOf(raw, port);
  if (shown !== undefined && isSame(shown, token)) return { kind: "in" };
  const asked = url.searchParams.get("token");
  if (raw.method !== "GET" || asked === null || !isSame(asked, token)) return { kind: "out" };
  const rest = new URL(url);
  rest.searchParams.delete("token");
  return { kind: "again", location: `${rest.pathname}${rest.search}` };
}

export function sendAgain(gate: Gate, response: ServerResponse, location: string, port: number): void {
  const secure = gate.tls ? "; Secure" : "";
  const cookie = `${cookieName(port)}=${encodeURIComponent(gate.token!)}; HttpOnly; SameSite=Strict; Path=/${secure}`;
  // "//elsewhere" would lead away.
  const path = `/${location.replace(/^\/+/, "")}`;
  response.writeHead(303, { Location: path, "Set-Cookie": cookie, "Cache-Control": "no-store" }).end();
}

function cookieOf(raw: IncomingMessage, port: number): string | undefined {
  const cookies = (raw.headers.cookie ?? "").split("; ");
  const value = cookies.find((cookie) => cookie.startsWith(`${cookieName(port)}=`))?.split(/=(.*)/s)[1];
  try {
    return value && decodeURIComponent(value);
  } catch {
    return undefined;
  }
}

function cookieName(port: number): string {
  return `seedgrow_${port}`;
}

/** In a time that does not tell how much of it is right. */
function isSame(shown: string, token: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(shown), digest(token));
}

async function readToken(path: string): Promise<string> {
  const text = await readFile(path, "utf8").catch((cause: unknown) => {
    throw new AppError("TOKEN_INVALID", `cannot read the token file ${path}`, { cause });
  });
  if (process.platform !== "win32" && ((await stat(path)).mode & 0o077) !== 0) {
    throw new AppError("TOKEN_INVALID", `${path} can be read by others`, { hint: `chmod 600 ${path}` });
  }
  return text.trim();
}

function invalid(message: string): AppError {
  return new AppError("TOKEN_INVALID", message);
}
