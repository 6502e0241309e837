/**
 * A TCP link of a given length on loopback: every piece arrives as late as told, and any number of them is on the way, as on
 * a real line. A process of its own: `node delay-link.js TARGET_PORT DELAY_MS` prints its port.
 */
import { spawn } from "node:child_process";
import { connect, createServer, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export interface Link {
  readonly port: number;
  readonly close: () => void;
}

/** More than any bandwidth x delay here; beyond it the sender waits. */
const onTheWayBytesMax = 64 * 1024 * 1024;

export async function openLink(targetPort: number, delayMs: number): Promise<Link> {
  const own = fileURLToPath(import.meta.url);
  const child = spawn(process.execPath, [own, String(targetPort), String(delayMs)], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  for await (const line of createInterface({ input: child.stdout })) {
    return { port: Number(line), close: () => child.stdin.end() };
  }
  throw new Error("the link does not open");
}

function carry(from: Socket, to: Socket, delayMs: number): void {
  const queue: { readonly data: Buffer; readonly dueMs: number }[] = [];
  let held = 0;
  const deliver = () => {
    while (queue.length > 0 && queue[0]!.dueMs <= performance.now()) {
      const { data } = queue.shift()!;
      held -= data.length;
      to.write(data);
    }
    if (held < onTheWayBytesMax) from.resume();
    if (queue.length > 0) setTimeout(deliver, queue[0]!.dueMs - performance.now());
  };
  from.setNoDelay(true);
  from.on("data", (data: Buffer) => {
    held += data.length;
    if (held >= onTheWayBytesMax) from.pause();
    queue.push({ data, dueMs: performance.now() + delayMs });
    if (queue.length === 1) setTimeout(deliver, delayMs);
  });
  from.on("error", () => to.destroy());
  from.on("close", () => setTimeout(() => to.destroy(), delayMs));
}

function main(targetPort: number, delayMs: number): void {
  const server = createServer((near) => {
    const far = connect(targetPort, "127.0.0.1");
    carry(near, far, delayMs);
    carry(far, near, delayMs);
  });
  server.listen(0, "127.0.0.1", () => console.log((server.address() as { port: number }).port));
  process.stdin.on("end", () => process.exit()).resume();
}

if (import.meta.filename === process.argv[1]) main(Number(process.argv[2]), Number(process.argv[3]));
