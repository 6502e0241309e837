/** An HTTP proxy on loopback that writes down what it was asked for: CONNECT, and GET with a whole address (RFC 9110, 9112). */
import { createServer, request } from "node:http";
import { type AddressInfo, connect } from "node:net";

export interface HttpProxy {
  readonly url: string;
  /** "CONNECT host:port" or "GET http://...", in order. */
  readonly asked: string[];
  readonly stop: () => Promise<void>;
}

export async function startHttpProxy(): Promise<HttpProxy> {
  const asked: string[] = [];
  const server = createServer((from, to) => {
    asked.push(`${from.method} ${from.url}`);
    const onward = request(from.url!, { method: from.method!, headers: from.headers }, (answer) => {
      to.writeHead(answer.statusCode!, answer.headers);
      answer.pipe(to);
    });
    from.pipe(onward);
  });
  server.on("connect", (from, near) => {
    asked.push(`CONNECT ${from.url}`);
    const { hostname, port } = new URL(`http://${from.url}`);
    const far = connect(Number(port), hostname, () => {
      near.write("HTTP/1.1 200 Connection Established\r\n\r\n");
      near.pipe(far).pipe(near);
    });
    for (const end of [near, far]) end.on("error", () => [near, far].map((socket) => socket.destroy()));
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}
