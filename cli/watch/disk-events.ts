/** The event log of a run on this machine: everything so far, then what is added, until the run's coordinator is gone. */
import { open, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isHeld } from "../../coordinator/adapters/live-run.js";
import { type RunEventRecord, runEventRecordSchema } from "../../shared/net/subjects.js";
import { LineSplitter } from "./line-splitter.js";

const pollMs = 300;

export async function* diskEvents(dir: string, signal: AbortSignal): AsyncGenerator<RunEventRecord> {
  const path = join(dir, "events.jsonl");
  const lines = new LineSplitter();
  for (const line of lines.push(await readFrom(olderOf(path), 0))) {
    const record = parseRecord(line);
    if (record) yield record;
  }
  let offset = 0;
  while (!signal.aborted) {
    // Asked before reading: what is written between the last read and the end must not be lost.
    const isLast = !(await isHeld(dir));
    const size = (await stat(path).catch(() => null))?.size ?? 0;
    // It was full, and has begun anew: what was not read yet is in the older file.
    const unread = size < offset ? await readFrom(olderOf(path), offset) : new Uint8Array();
    if (size < offset) offset = 0;
    const added = await readFrom(path, offset);
    offset += added.length;
    const bytes = Buffer.concat([unread, added]);
    for (const line of lines.push(bytes)) {
      const record = parseRecord(line);
      if (record) yield record;
    }
    if (isLast) return;
    await sleep(pollMs, undefined, { signal }).catch(() => undefined);
  }
}

/** As coordinator/adapters/capped-log.ts names it. */
function olderOf(path: string): string {
  return `${path}.1`;
}

/** Empty when there is nothing new, or no file yet. */
async function readFrom(path: string, offset: number): Promise<Uint8Array> {
  const size = (await stat(path).catch(() => null))?.size ?? 0;
  if (size <= offset) return new Uint8Array();
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(size - offset), 0, size - offset, offset);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

/** Null for a line that a crash has torn. */
function parseRecord(line: string): RunEventRecord | null {
  try {
    return runEventRecordSchema.safeParse(JSON.parse(line)).data ?? null;
  } catch {
    return null;
  }
}
