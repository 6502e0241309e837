/**
 * Bulk lines: connections on which one side asks for ranges of numbers and the other sends them as they lie in memory, in
 * the order in which they were asked for. gRPC would cut them into 16 KB frames and copy each of them several times:
 * docs/DECISIONS.md, "What every step moves", has the measurements.
 *
 * After `bulkGreeting`, from both sides, a request is its length (u32, little endian) and JSON with its `kind`; an answer is
 * a status and a length (two u32) and so many bytes: what was asked for, or, when refused, JSON of why.
 */
import type { Socket } from "node:net";
import { z } from "zod";
import { AppError, type ErrorCode, errorCodes } from "../errors.js";
import { bulkPieceBytes, bulkRequestBytesMax } from "../limits.js";
import { inServerSpan } from "../observe/tracing.js";

/** First bytes of a line in the clear; HTTP/2 begins otherwise. */
export const bulkGreeting = Buffer.from("SGB1");
/** What TLS calls it (ALPN). */
export const bulkAlpn = "seedgrow-bulk/1";

export const answerHeaderBytes = 8;
/** So many bytes at the end go as a copy. */
const tailBytes = 4 * 1024;
const u32Max = 2 ** 32 - 1;

/** What is asked for, as its kind has it. */
export interface BulkRequest {
  readonly kind: string;
  readonly [key: string]: string | number | undefined;
}

export interface Bulk {
  readonly bytes: Uint8Array;
  /** Whether they are still what they were when they were asked for. Absent: whoever gets other bytes sees it. */
  readonly isHeld?: () => boolean;
  /** Resolves when bytes [from, to) are there; absent: all are. @throws AppError when they do not come */
  readonly ready?: (from: number, to: number) => Promise<void>;
}

/** @throws AppError, which the other side gets. */
export type AnswerBulk = (request: unknown) => Promise<Bulk>;

export interface AnswerHeader {
  readonly isOk: boolean;
  readonly length: number;
}

export function readHeader(header: Buffer): AnswerHeader {
  return { isOk: header.readUInt32LE(0) === 0, length: header.readUInt32LE(4) };
}

export function frameOf(request: BulkRequest): Buffer {
  const body = Buffer.from(JSON.stringify(request));
  const frame = Buffer.alloc(4 + body.length);
  frame.writeUInt32LE(body.length, 0);
  body.copy(frame, 4);
  return frame;
}

const refusalSchema = z.object({
  code: z.string().transform((code): ErrorCode => (Object.hasOwn(errorCodes, code) ? (code as ErrorCode) : "INTERNAL")),
  message: z.string(),
  hint: z.string(),
});

/** The error that a refusal tells of. */
export function refusalIn(body: Uint8Array): AppError {
  try {
    const { code, message, hint } = refusalSchema.parse(JSON.parse(Buffer.from(body).toString("utf8")));
    return new AppError(code, message, { hint });
  } catch (cause) {
    return new AppError("MESSAGE_INVALID", "the other side refuses, and says no why", { cause });
  }
}

/**
 * Answers what comes on `socket`, behind the greeting, for as long as it lasts. A request that is none ends it. While one answer is
 * sent the next is made ready, and no more than that: a file is read from disk meanwhile, and a thousand files do not fill memory.
 */
export function answerBulk(socket: Socket, answer: AnswerBulk): void {
  let unread: Buffer = Buffer.alloc(0);
  let isGreeted = false;
  let sent = Promise.resolve();
  let sentBefore = sent;
  const respond = (body: Buffer) => {
    const outcome = sentBefore.then(() => outcomeOf(body, answer));
    sentBefore = sent;
    sent = Promise.all([outcome, sent])
      .then(([one]) => send(socket, one))
      .catch(() => void socket.destroy());
  };
  const take = () => {
    if (!isGreeted && unread.length >= bulkGreeting.length) {
      if (!unread.subarray(0, bulkGreeting.length).equals(bulkGreeting)) return false;
      unread = unread.subarray(bulkGreeting.length);
      isGreeted = true;
      socket.write(bulkGreeting);
    }
    while (isGreeted && unread.length >= 4) {
      const length = unread.readUInt32LE(0);
      if (length > bulkRequestBytesMax) return false;
      if (unread.length < 4 + length) break;
      const body = unread.subarray(4, 4 + length);
      unread = unread.subarray(4 + length);
      respond(body);
    }
    return true;
  };
  socket.on("data", (data: Buffer) => {
    unread = unread.length === 0 ? data : Buffer.concat([unread, data]);
    if (!take()) socket.destroy();
  });
  // A line that breaks is noticed by whoever asked.
  socket.on("error", () => undefined);
  socket.resume();
}

interface Outcome extends Bulk {
  readonly isOk: boolean;
}

/** Never rejects. */
async function outcomeOf(body: Buffer, answer: AnswerBulk): Promise<Outcome> {
  try {
    const { traceparent, ...request } = JSON.parse(body.toString("utf8"));
    const bulk = await inServerSpan(`bulk ${request.kind}`, traceparent, () => answer(request));
    if (bulk.bytes.length > u32Max) throw new AppError("MESSAGE_INVALID", `${bulk.bytes.length} bytes at once`);
    return { ...bulk, isOk: true };
  } catch (thrown) {
    const { code, message, hint } = AppError.from(thrown);
    return { isOk: false, bytes: Buffer.from(JSON.stringify({ code, message, hint })) };
  }
}

/**
 * By reference: the kernel takes it piece by piece. The last bytes of what may change leave as a copy, and only once all before
 * them have left from memory that nobody had changed by then: whoever has got all has got what he asked for.
 */
async function send(socket: Socket, { isOk, bytes, isHeld, ready }: Outcome): Promise<void> {
  const tail = isHeld ? Math.max(0, bytes.length - tailBytes) : bytes.length;
  const part = async (from: number, to: number) => {
    await ready?.(from, to);
    if (isHeld?.() === false) throw new AppError("MESSAGE_INVALID", "what was being sent is gone");
    await written(socket, from < tail ? bytes.subarray(from, to) : bytes.slice(from, to));
  };
  socket.cork(); // the header and what follows leave together
  socket.write(headerOf(isOk, bytes.length));
  process.nextTick(() => socket.uncork());
  for (let at = 0; at < tail; at += bulkPieceBytes) await part(at, Math.min(at + bulkPieceBytes, tail));
  if (tail < bytes.length) await part(tail, bytes.length);
}

function headerOf(isOk: boolean, length: number): Buffer {
  const header = Buffer.alloc(answerHeaderBytes);
  header.writeUInt32LE(isOk ? 0 : 1, 0);
  header.writeUInt32LE(length, 4);
  return header;
}

/** Resolves when the system has taken all of it. */
function written(socket: Socket, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.write(bytes, (error) => (error ? reject(error) : resolve()));
  });
}
