/** S3-compatible storage on loopback: s3rver, a server of its own, which the AWS client talks to. It knows one key, S3RVER. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { freePort } from "./ports.js";
import { takesConnections } from "./processes.js";
import { until } from "./until.js";

export interface S3Server {
  readonly endpoint: string;
  readonly stop: () => Promise<void>;
}

export async function startS3(dir: string): Promise<S3Server> {
  const port = await freePort();
  const bin = join(dirname(createRequire(import.meta.url).resolve("s3rver/package.json")), "bin", "s3rver.js");
  // It seals the tokens of long listings with DES, which OpenSSL 3 calls legacy.
  const args = ["--openssl-legacy-provider", bin, "--address", "127.0.0.1", "--port", `${port}`, "--directory", dir];
  const child = spawn(process.execPath, [...args, "--silent"], { stdio: "ignore" });
  const end = () => child.kill("SIGKILL");
  process.once("exit", end);
  const exited = once(child, "exit");
  await until("the S3 server to listen", () => takesConnections("127.0.0.1", port));
  return {
    endpoint: `http://127.0.0.1:${port}`,
    stop: async () => {
      process.off("exit", end);
      end();
      await exited;
    },
  };
}
