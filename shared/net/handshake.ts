/**
 * Why TLS failed: with TLS 1.3 a server's alert comes after the client's handshake is over, and nats.js drops it; on a busy machine
 * it drops what node has against the server's certificate, too. So after a failure one more connection is made, only for the reason.
 */
import { once } from "node:events";
import { connect as connectTcp } from "node:net";
import { type ConnectionOptions, connect as connectTls } from "node:tls";

/** A server that has nothing against us stays silent: it waits for our first word. */
const patienceMs = 2_000;

/** Null: nothing was heard. @param address host:port of a nats-server, which speaks first and in the clear. */
export async function handshakeProblem(host: string, port: number, options: ConnectionOptions): Promise<Error | null> {
  const signal = AbortSignal.timeout(patienceMs);
  const socket = connectTcp({ host, port, signal });
  try {
    await once(socket, "data", { signal });
    const anyName = () => undefined;
    const secured = connectTls({ ...options, socket, rejectUnauthorized: false, checkServerIdentity: anyName });
    return await new Promise((resolve) => {
      secured.once("secureConnect", () => {
        // At runtime it is OpenSSL's code, whatever its type says.
        if (!secured.authorized) resolve(new Error(String(secured.authorizationError)));
      });
      secured.on("error", resolve);
      secured.on("close", () => resolve(null));
      signal.addEventListener("abort", () => resolve(null), { once: true });
      secured.resume();
    });
  } catch {
    return null;
  } finally {
    socket.destroy();
  }
}
