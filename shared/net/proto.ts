/** Loads proto/ once and hands out typed service definitions. The options equal those of scripts/gen.mjs. */
import { fileURLToPath } from "node:url";
import * as grpc from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import type { ProtoGrpcType as BlobsProto } from "../gen/blobs.js";
import type { ProtoGrpcType as TunnelProto } from "../gen/tunnel.js";
import type { ProtoGrpcType as WorkerProto } from "../gen/worker.js";
import { flowControlWindowBytes, messageBytesMax } from "../limits.js";
import { traceClient, traceServer } from "../observe/tracing.js";

// Its own lines ("E No address added ...") would stand beside the error that we print. GRPC_VERBOSITY brings them back.
if (!process.env.GRPC_VERBOSITY) grpc.setLogVerbosity(grpc.logVerbosity.NONE);

const protoDir = fileURLToPath(new URL("../../proto", import.meta.url));
const definition = loadSync(["seedgrow/v1/blobs.proto", "seedgrow/v1/worker.proto", "seedgrow/v1/tunnel.proto"], {
  includeDirs: [protoDir],
  longs: Number,
  enums: String,
  defaults: true,
  oneofs: true,
});
const loaded = grpc.loadPackageDefinition(definition) as unknown as BlobsProto & TunnelProto & WorkerProto;

export const { Blobs, Tunnel, Worker } = loaded.seedgrow.v1;

export const clientOptions: grpc.ClientOptions = {
  interceptors: [traceClient],
  "grpc-node.flow_control_window": flowControlWindowBytes,
  "grpc.max_receive_message_length": messageBytesMax,
  "grpc.max_send_message_length": messageBytesMax,
  // A peer that died without closing its socket is noticed within a quarter of a minute.
  "grpc.keepalive_time_ms": 10_000,
  "grpc.keepalive_timeout_ms": 5_000,
  // grpc-js takes `http_proxy` too: a variable that an administrator set for all shells would send every gradient, even those
  // of one machine, through the company's proxy.
  "grpc.enable_http_proxy": process.env.grpc_proxy ? 1 : 0,
};

export const serverOptions: grpc.ServerOptions = {
  interceptors: [traceServer],
  "grpc.max_receive_message_length": messageBytesMax,
  "grpc.max_send_message_length": messageBytesMax,
};
