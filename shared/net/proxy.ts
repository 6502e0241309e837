/**
 * HTTP proxies, by the variables that curl, pip and npm read: `http_proxy`, `https_proxy`, `no_proxy`, lower or upper case.
 *
 * They are for what lies elsewhere: backbones, S3. Machines of a cluster talk to each other directly (shared/net/proto.ts).
 */
import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import { HttpProxyAgent } from "http-proxy-agent";
import { HttpsProxyAgent } from "https-proxy-agent";
import { getProxyForUrl } from "proxy-from-env";
import type { EnvHttpProxyAgent, Response } from "undici";

/** One for the process: it keeps connections for the next file. */
let outside: EnvHttpProxyAgent | null = null;

/** `fetch`, through the proxy that the environment names for this address. */
export async function fetchOutside(
  url: string | URL,
  init: { readonly headers?: Record<string, string>; readonly signal?: AbortSignal } = {},
): Promise<Response> {
  const { EnvHttpProxyAgent, fetch } = await import("undici");
  outside ??= new EnvHttpProxyAgent();
  return fetch(url, { ...init, dispatcher: outside });
}

/** Agents for clients of `endpoint` that speak by Node's own http module. */
export function agentsFor(endpoint: string): { readonly httpAgent: HttpAgent; readonly httpsAgent: HttpsAgent } {
  const proxy = getProxyForUrl(endpoint);
  const options = { keepAlive: true };
  if (proxy === "") return { httpAgent: new HttpAgent(options), httpsAgent: new HttpsAgent(options) };
  return {
    httpAgent: new HttpProxyAgent(proxy, options),
    httpsAgent: new HttpsProxyAgent(proxy, options) as HttpsAgent,
  };
}
