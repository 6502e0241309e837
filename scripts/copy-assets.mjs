// tsc compiles only .ts: the .proto files and the pages travel to dist/ as they are.
import { cpSync } from "node:fs";

cpSync("proto", "dist/proto", { recursive: true });
cpSync("web", "dist/web", { recursive: true, filter: (path) => !/\.(ts|json)$/.test(path) });
cpSync("assets", "dist/assets", { recursive: true });
