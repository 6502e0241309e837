#!/usr/bin/env node
/** Exit code 0: the worker of this container takes work. Asks the standard gRPC health service: health.mjs [HOST:PORT]. */
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const require = createRequire(import.meta.url);
const grpc = require("@grpc/grpc-js");
const { loadSync } = require("@grpc/proto-loader");
const { protoPath } = require("grpc-health-check");

const TIMEOUT_MS = 3_000;
const SERVING = 1;

/** The entry point of a worker has written it down; a container that runs another command has nothing to ask. */
function askedAddress() {
  if (process.argv[2] !== undefined) return process.argv[2];
  const note = join(process.env.TMPDIR || "/tmp", "seedgrow-health");
  if (!existsSync(note)) process.exit(0);
  const settings = readFileSync(note, "utf8").trim();
  return settings.includes(":") ? settings : `127.0.0.1:${settings}`;
}

const address = askedAddress().replace(/^(0\.0\.0\.0|\[::\]):/, "127.0.0.1:");
const { Health } = grpc.loadPackageDefinition(loadSync(protoPath)).grpc.health.v1;
const client = new Health(address, grpc.credentials.createInsecure());
client.Check({ service: "" }, { deadline: Date.now() + TIMEOUT_MS }, (error, reply) => {
  client.close();
  const isServing = !error && reply.status === SERVING;
  if (!isServing) console.error(`${address}: ${error ? error.message : "NOT_SERVING"}`);
  process.exitCode = isServing ? 0 : 1;
});
