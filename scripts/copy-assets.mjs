// tsc compiles only .ts: the .proto files travel to dist/ as they are.
import { cpSync } from "node:fs";

cpSync("proto", "dist/proto", { recursive: true });
