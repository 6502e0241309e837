/** Serving streams of chunks with grpc-js. */
import type * as grpc from "@grpc/grpc-js";

/** grpc-js sends a status when the stream emits it; destroying the stream would leave the caller waiting. */
export function failStream(
  call: Pick<grpc.ServerWritableStream<unknown, unknown>, "emit">,
  code: grpc.status,
  details: string,
): void {
  call.emit("error", { code, details });
}

/** Resolves when the stream takes more, or is gone. */
export function drained(call: grpc.ServerWritableStream<unknown, unknown>): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      for (const event of ["drain", "close", "cancelled", "error"]) call.off(event, done);
      resolve();
    };
    for (const event of ["drain", "close", "cancelled", "error"]) call.once(event, done);
  });
}
