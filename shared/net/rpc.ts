/** Promises over grpc-js's callbacks, servers that listen with a clear error, and errors that keep their code on the way. */
import * as grpc from "@grpc/grpc-js";
import { AppError, type ErrorCode, errorCodes } from "../errors.js";
import { tlsProblem } from "./tls-problems.js";

const codeKey = "seedgrow-code";
const hintKey = "seedgrow-hint";

/** An async function as a unary handler; what it throws reaches the caller with code and hint. */
export function unary<Request, Reply>(
  handle: (request: Request) => Promise<Reply>,
): grpc.handleUnaryCall<Request, Reply> {
  return (call, callback) => {
    handle(call.request).then(
      (reply) => callback(null, reply),
      (thrown: unknown) => callback(toServiceError(thrown)),
    );
  };
}

function toServiceError(thrown: unknown): Partial<grpc.ServiceError> {
  const error = AppError.from(thrown);
  const code = error.code === "LEASE_LOST" ? grpc.status.FAILED_PRECONDITION : grpc.status.UNKNOWN;
  return { code, ...errorStatus(error) };
}

/** An error as it travels: `peerError` reads it. */
export function errorStatus(error: AppError): { readonly details: string; readonly metadata: grpc.Metadata } {
  const metadata = new grpc.Metadata();
  metadata.set(codeKey, error.code);
  metadata.set(hintKey, encodeURIComponent(error.hint));
  return { details: error.message, metadata };
}

/** The peer's own error when it sent one, or what is wrong with TLS; null when it could not be reached or was silent. */
export function peerError(thrown: unknown): AppError | null {
  if (thrown instanceof AppError) return null;
  const error = thrown as Partial<grpc.ServiceError>;
  const code = error.metadata?.get(codeKey)[0];
  if (typeof code !== "string" || !(code in errorCodes)) return tlsProblem(thrown);
  const hint = decodeHint(String(error.metadata?.get(hintKey)[0] ?? ""));
  return new AppError(code as ErrorCode, error.details ?? String(thrown), { hint });
}

function decodeHint(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** `start` gets the call options and the callback: `callUnary((o, cb) => client.Work(request, o, cb), timeoutMs)`. */
export function callUnary<Reply>(
  start: (options: grpc.CallOptions, callback: grpc.requestCallback<Reply>) => grpc.ClientUnaryCall,
  timeoutMs: number,
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    start({ deadline: Date.now() + timeoutMs }, (error, reply) => {
      if (error || reply === undefined) reject(error ?? new Error("empty reply"));
      else resolve(reply);
    });
  });
}

/** Binds and returns host:port as bound. @throws AppError PORT_BUSY */
export function listen(server: grpc.Server, address: string, credentials: grpc.ServerCredentials): Promise<string> {
  return new Promise((resolve, reject) => {
    server.bindAsync(address, credentials, (error, port) => {
      if (error) reject(portBusy(address, error));
      else resolve(`${address.slice(0, address.lastIndexOf(":"))}:${port}`);
    });
  });
}

export function portBusy(address: string, cause: unknown): AppError {
  const hint = "Choose another port (a worker's --listen, a run's cluster.listen), or 0 for a free one.";
  return new AppError("PORT_BUSY", `cannot listen on ${address}`, { hint, cause });
}
