/** A worker obeys a coordinator and nobody else; other workers may pull numbers of the run they share. */
import type { Access } from "../shared/net/credentials.js";
import { roles } from "../shared/net/identity.js";

export const workerAccess: Access = {
  "seedgrow.v1.Worker": ["coordinator"],
  "seedgrow.v1.Blobs": ["coordinator"],
  "seedgrow.v1.Peers": ["worker", "coordinator"],
  "grpc.health.v1.Health": roles,
};
