/** The gRPC services of a worker. */
import type * as grpc from "@grpc/grpc-js";
import type { AttachRequest__Output } from "../shared/gen/seedgrow/v1/AttachRequest.js";
import type { DetachRequest__Output } from "../shared/gen/seedgrow/v1/DetachRequest.js";
import type { PingRequest__Output } from "../shared/gen/seedgrow/v1/PingRequest.js";
import type { WorkRequest__Output } from "../shared/gen/seedgrow/v1/WorkRequest.js";
import { blobBulk } from "../shared/net/blob-lines.js";
import { blobHandlers } from "../shared/net/blobs.js";
import type { BulkService } from "../shared/net/one-port.js";
import { comingBulk, vectorBulk } from "../shared/net/peers.js";
import { Blobs, Worker } from "../shared/net/proto.js";
import { unary } from "../shared/net/rpc.js";
import { peerRoles, workerAccess } from "./access.js";
import type { WorkerRuntime } from "./runtime.js";

/** `commands`: who answers the coordinator, where that is not the runtime itself. */
export function addServices(
  server: grpc.Server,
  runtime: WorkerRuntime,
  commands: Pick<WorkerRuntime, "attach" | "work"> = runtime,
): void {
  server.addService(Worker.service, {
    Attach: unary(async (request: AttachRequest__Output) => {
      await commands.attach(request);
      return {};
    }),
    Work: unary((request: WorkRequest__Output) => commands.work(request)),
    Ping: unary(async (request: PingRequest__Output) => {
      runtime.ping(request.lease);
      return {};
    }),
    Detach: unary(async (request: DetachRequest__Output) => {
      runtime.detach(request.lease);
      return {};
    }),
  });
  server.addService(Blobs.service, blobHandlers(runtime));
}

/** What goes over bulk lines. */
export function workerBulk(
  runtime: Pick<WorkerRuntime, "get" | "vector" | "coming">,
): Readonly<Record<string, BulkService>> {
  return {
    vector: { answer: vectorBulk(runtime), roles: peerRoles },
    coming: { answer: comingBulk(runtime), roles: peerRoles },
    blob: { answer: blobBulk(runtime), roles: workerAccess["seedgrow.v1.Blobs"] ?? [] },
  };
}
