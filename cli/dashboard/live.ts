/** Server-sent events: tells the page that the run has moved, and where its coordinator is right now. */
import type { ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { liveStatus, statusNow } from "./overview.js";
import type { RunReader } from "./run-reader.js";

/** A look at four files; a person notices no less. */
const lookIntervalMs = 1_500;

export async function streamRun(reader: RunReader, response: ServerResponse): Promise<void> {
  const gone = new AbortController();
  response.on("close", () => gone.abort());
  response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
  let before = await reader.signature();
  while (!gone.signal.aborted) {
    const status = await liveStatus(reader);
    // A comment keeps the connection open, and shows that the page has gone.
    response.write(status ? event("status", statusNow(status)) : ":\n\n");
    await sleep(lookIntervalMs, undefined, { signal: gone.signal }).catch(() => undefined);
    const now = await reader.signature();
    if (now !== before) response.write(event("change", {}));
    before = now;
  }
}

function event(name: string, data: unknown): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}
