/**
 * What encryption costs: the same bytes and the same small calls over gRPC in the clear and over mutual TLS, in turns, server
 * and client in processes of their own on loopback: `npx tsc && node dist/bench/tls.js`. One line of JSON per pair. CPU time
 * of both processes stands beside the wall's: on a machine that does other work, it alone says something.
 */
import { type ChildProcess, fork } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createAuthority, issue, nodeDir } from "../cli/certs/authority.js";
import { blobHandlers, MemoryBlobs, pullByGrpc } from "../shared/net/blobs.js";
import { clientSecurity, openServer, serverCredentials } from "../shared/net/credentials.js";
import type { Role } from "../shared/net/identity.js";
import { Blobs } from "../shared/net/proto.js";
import { listen } from "../shared/net/rpc.js";
import { trustIn } from "../shared/net/trust.js";

const blobBytes = 64 * 1024 * 1024;
const pairs = 5;
const smallCalls = 200;

interface Ready {
  readonly address: string;
  readonly large: string;
  readonly small: string;
}

/** The child: serves one large and one small blob. */
async function serve(certs: string): Promise<void> {
  const trust = await trustIn(certs, ["coordinator"]);
  const blobs = new MemoryBlobs();
  const large = blobs.put(Buffer.alloc(blobBytes, 7));
  const small = blobs.put(Buffer.from("small"));
  const server = openServer({ trust, access: { "seedgrow.v1.Blobs": ["worker"] } });
  server.addService(Blobs.service, blobHandlers(blobs));
  const address = await listen(server, "127.0.0.1:0", serverCredentials(trust));
  process.on("message", () => process.send!(cpuMs()));
  process.send!({ address, large, small } satisfies Ready);
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

async function measure(child: ChildProcess, certs: string) {
  const { address, large, small } = await new Promise<Ready>((resolve) => child.once("message", resolve as () => void));
  const { credentials, options } = clientSecurity(await trustIn(certs, ["worker"]), ["coordinator"], address);
  const client = new Blobs(address, credentials, options);
  await pullByGrpc(client, large);
  const bothCpuMs = async () => {
    const server = new Promise<number>((resolve) => child.once("message", resolve as () => void));
    child.send("cpu");
    return cpuMs() + (await server);
  };
  const timed = async (work: () => Promise<unknown>) => {
    const [fromMs, fromCpuMs] = [performance.now(), await bothCpuMs()];
    await work();
    return { ms: performance.now() - fromMs, cpuMs: (await bothCpuMs()) - fromCpuMs };
  };
  return async () => {
    const pull = await timed(() => pullByGrpc(client, large));
    const calls = await timed(async () => {
      for (let call = 0; call < smallCalls; call++) await pullByGrpc(client, small);
    });
    return {
      mbPerSecond: blobBytes / 1000 / pull.ms,
      cpuMsPerMb: pull.cpuMs / (blobBytes / 1e6),
      callMs: calls.ms / smallCalls,
      cpuMsPerCall: calls.cpuMs / smallCalls,
    };
  };
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

async function main(): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), "seedgrow-bench-"));
  await createAuthority(dir, 2, Date.now());
  const add = (name: string, role: Role) =>
    issue(dir, { name, role, sans: ["localhost", "127.0.0.1"], days: 1, nowMs: Date.now() });
  await add("head", "coordinator");
  await add("gpu1", "worker");
  const own = fileURLToPath(import.meta.url);
  const children = ["", nodeDir(dir, "head")].map((certs) => fork(own, ["serve", certs]));
  const [clear, secured] = await Promise.all([measure(children[0]!, ""), measure(children[1]!, nodeDir(dir, "gpu1"))]);
  const rows: { readonly clear: Row; readonly tls: Row }[] = [];
  for (let pair = 0; pair < pairs; pair++) {
    rows.push({ clear: await clear(), tls: await secured() });
    process.stdout.write(`${JSON.stringify(rows.at(-1))}\n`);
  }
  const middle = (side: "clear" | "tls", key: keyof Row) => median(rows.map((row) => row[side][key]));
  const keys = Object.keys(rows[0]!.clear) as (keyof Row)[];
  const summary = keys.map((key) => {
    const ratio = median(rows.map(({ clear: a, tls: b }) => b[key] / a[key]));
    return [key, { clear: middle("clear", key), tls: middle("tls", key), ratio }] as const;
  });
  process.stdout.write(`${JSON.stringify(Object.fromEntries(summary))}\n`);
  for (const child of children) child.kill();
  rmSync(dir, { recursive: true, force: true });
  process.exit();
}

type Row = Awaited<ReturnType<Awaited<ReturnType<typeof measure>>>>;

if (process.argv[2] === "serve") await serve(process.argv[3] ?? "");
else await main();
