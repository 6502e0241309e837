/**
 * gRPC with mutual TLS, or in the clear where there is no trust to speak of. Every call that arrives is checked against
 * the caller's role and the list of revoked certificates, every peer that is called as well: a handshake is long ago.
 */
import { isIP } from "node:net";
import { checkServerIdentity, createSecureContext, type PeerCertificate } from "node:tls";
import * as grpc from "@grpc/grpc-js";
import { AppError } from "../errors.js";
import { hostOf } from "./exposure.js";
import { identityOf, type Role } from "./identity.js";
import { clientOptions, serverOptions } from "./proto.js";
import { errorStatus } from "./rpc.js";
import { problemWith, type Trust } from "./trust.js";

/** Path of a service -> who may call it. What is not listed may nobody. */
export type Access = Readonly<Record<string, readonly Role[]>>;

export interface Guarded {
  readonly trust: Trust | null;
  readonly access: Access;
}

export function openServer({ trust, access }: Guarded): grpc.Server {
  if (!trust) return new grpc.Server(serverOptions);
  const guard = requireRole(trust, access);
  return new grpc.Server({ ...serverOptions, interceptors: [guard, ...(serverOptions.interceptors ?? [])] });
}

export function serverCredentials(trust: Trust | null): grpc.ServerCredentials {
  if (!trust) return grpc.ServerCredentials.createInsecure();
  return grpc.ServerCredentials.createSsl(trust.ca, [{ private_key: trust.key, cert_chain: trust.cert }], true);
}

/**
 * For a client of `address` that takes only a server of one of these roles, and under that address: or, where its
 * address says nothing, the holder of the certificate with this serial number.
 */
export function clientSecurity(
  trust: Trust | null,
  roles: readonly Role[],
  address: string,
  serial?: string,
): { readonly credentials: grpc.ChannelCredentials; readonly options: grpc.ClientOptions } {
  if (!trust) return { credentials: grpc.credentials.createInsecure(), options: clientOptions };
  const { ca, cert, key } = trust;
  const context = createSecureContext({ ca, cert, key, minVersion: "TLSv1.3" });
  const credentials = grpc.credentials.createFromSecureContext(context, {
    checkServerIdentity: (_, peer) =>
      serial === undefined ? checkPeer(trust, roles, hostOf(address), peer) : checkHolder(trust, roles, serial, peer),
  });
  const interceptors = [refuseRevoked(trust, roles), ...(clientOptions.interceptors ?? [])];
  const options = { ...clientOptions, interceptors };
  if (isIP(hostOf(address)) === 0) return { credentials, options };
  // TLS has no names for IP addresses to ask for (RFC 6066), and node warns of them; the check above knows whom we want.
  return { credentials, options: { ...options, "grpc.ssl_target_name_override": "by-address.seedgrow" } };
}

/** As node's checkServerIdentity: undefined is fine. */
export function checkPeer(
  trust: Trust,
  roles: readonly Role[],
  host: string,
  peer: PeerCertificate,
): Error | undefined {
  return told(checkServerIdentity(host, peer) ?? problemWith(trust, peer, roles));
}

function checkHolder(trust: Trust, roles: readonly Role[], serial: string, peer: PeerCertificate): Error | undefined {
  if (identityOf(peer)?.serial === serial) return told(problemWith(trust, peer, roles));
  return told(new AppError("CERT_WRONG_NAME", "who answers the call is not who called"));
}

function told(problem: Error | null): Error | undefined {
  // What crosses the handshake is a text: the code must be in it.
  return problem instanceof AppError ? new Error(`[${problem.code}] ${problem.message}`) : (problem ?? undefined);
}

function requireRole(trust: Trust, access: Access): grpc.ServerInterceptor {
  return ({ path }, call) => {
    const service = path.slice(1, path.lastIndexOf("/"));
    return new grpc.ServerInterceptingCall(call, {
      start: (next) =>
        next({
          onReceiveMetadata: (metadata, pass) => {
            const peer = call.getAuthContext().sslPeerCertificate;
            const problem = peer
              ? problemWith(trust, peer, access[service] ?? [])
              : new AppError("CERT_MISSING", "the caller showed no certificate");
            if (problem) call.sendStatus(refusal(problem));
            else pass(metadata);
          },
        }),
    });
  };
}

function refusal(problem: AppError): Pick<grpc.StatusObject, "code" | "details" | "metadata"> {
  return { ...errorStatus(problem), code: grpc.status.PERMISSION_DENIED };
}

/** A worker whose certificate is revoked keeps its connection: its answers count no more. */
function refuseRevoked(trust: Trust, roles: readonly Role[]): grpc.Interceptor {
  return (options, nextCall) => {
    const call = nextCall(options);
    return new grpc.InterceptingCall(call, {
      start: (metadata, _listener, next) => {
        next(metadata, {
          onReceiveStatus: (status, pass) => {
            const peer = call.getAuthContext()?.sslPeerCertificate;
            const problem = peer ? problemWith(trust, peer, roles) : null;
            pass(problem ? { ...status, ...refusal(problem) } : status);
          },
        });
      },
    });
  };
}
