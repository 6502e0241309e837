/** One port for gRPC and bulk lines: a worker is reached at one address, through one hole in a firewall, or one tunnel. */
import { once } from "node:events";
import { createServer as createTcpServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, type TLSSocket } from "node:tls";
import * as grpc from "@grpc/grpc-js";
import { AppError } from "../errors.js";
import { type AnswerBulk, answerBulk, bulkAlpn, bulkGreeting } from "./bulk.js";
import { hostOf, portOf } from "./exposure.js";
import type { Role } from "./identity.js";
import { portBusy } from "./rpc.js";
import { problemWith, type Trust } from "./trust.js";

export interface OnePortOptions {
  /** host:port; 0 is a free one. */
  readonly address: string;
  readonly trust: Trust | null;
  readonly grpcServer: grpc.Server;
  /** Kind of a request -> who answers it. */
  readonly bulk: Readonly<Record<string, BulkService>>;
}

export interface BulkService {
  readonly answer: AnswerBulk;
  /** Who may ask. */
  readonly roles: readonly Role[];
}

export interface OnePort {
  /** host:port as bound. */
  readonly address: string;
  /** Ends its connections as well. */
  close(): void;
}

/** @throws AppError PORT_BUSY */
export async function listenOnOnePort(options: OnePortOptions): Promise<OnePort> {
  const { address, trust, grpcServer } = options;
  const takeLine = (socket: Socket) => answerBulk(socket, guarded(options, socket));
  // Whoever is injected has been through our TLS.
  const injector = grpcServer.createConnectionInjector(grpc.ServerCredentials.createInsecure());
  const takeCall = (socket: Socket) => injector.injectConnection(socket);
  const server = trust ? tlsServer(trust, takeCall, takeLine) : clearServer(takeCall, takeLine);
  server.listen(portOf(address), hostOf(address));
  await once(server, "listening").catch((cause: unknown) => {
    throw portBusy(address, cause);
  });
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  const { port } = server.address() as { readonly port: number };
  const close = () => {
    server.close();
    grpcServer.forceShutdown();
    // Lines, and those who have not said yet what they want.
    for (const socket of sockets) socket.destroy();
  };
  return { address: `${address.slice(0, address.lastIndexOf(":"))}:${port}`, close };
}

function guarded({ trust, bulk }: OnePortOptions, socket: Socket): AnswerBulk {
  return async (request) => {
    const { kind } = request as { readonly kind?: unknown };
    const service = typeof kind === "string" && Object.hasOwn(bulk, kind) ? bulk[kind] : undefined;
    if (!service) throw new AppError("MESSAGE_INVALID", `nobody here answers a request of kind ${String(kind)}`);
    const problem = trust && problemWith(trust, (socket as TLSSocket).getPeerCertificate(), service.roles);
    if (problem) throw problem;
    return service.answer(request);
  };
}

type Take = (socket: Socket) => void;

function tlsServer({ ca, cert, key }: Trust, takeCall: Take, takeLine: Take): Server {
  const server = createTlsServer({
    ...{ ca, cert, key, requestCert: true, rejectUnauthorized: true, noDelay: true },
    ALPNProtocols: ["h2", bulkAlpn],
  });
  server.on("secureConnection", (socket) => (socket.alpnProtocol === bulkAlpn ? takeLine(socket) : takeCall(socket)));
  return server;
}

/** Whoever connects speaks first, and at once. */
const silenceMs = 30_000;

/** In the clear the first byte tells: HTTP/2 begins with "PRI". */
function clearServer(takeCall: Take, takeLine: Take): Server {
  return createTcpServer({ noDelay: true }, (socket) => {
    const ignore = () => undefined;
    socket.on("error", ignore);
    socket.setTimeout(silenceMs, () => void socket.destroy());
    socket.once("data", (head: Buffer) => {
      socket.setTimeout(0);
      socket.removeAllListeners("timeout");
      socket.pause();
      socket.unshift(head);
      socket.off("error", ignore);
      if (head[0] === bulkGreeting[0]) takeLine(socket);
      else takeCall(socket);
    });
  });
}
