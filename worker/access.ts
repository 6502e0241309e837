/** A worker obeys a coordinator and nobody else; other workers may pull numbers of the run they share. */
import type { Access } from "../shared/net/credentials.js";
import { type Role, roles } from "../shared/net/identity.js";

export const workerAccess: Access = {
  "seedgrow.v1.Worker": ["coordinator"],
  "seedgrow.v1.Blobs": ["coordinator"],
  "grpc.health.v1.Health": roles,
};

/** Who pulls vectors, and from whom: workers of --local on a cluster's bus use the coordinator's own certificate. */
export const peerRoles: readonly Role[] = ["worker", "coordinator"];
