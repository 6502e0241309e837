/** Bulk lines over real sockets: what is asked for arrives whole and unchanged, or not at all. */
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import * as grpc from "@grpc/grpc-js";
import { afterEach, describe, expect, test } from "vitest";
import { AppError } from "../../shared/errors.js";
import { blobHandlers, MemoryBlobs, pullByGrpc } from "../../shared/net/blobs.js";
import type { AnswerBulk, Bulk } from "../../shared/net/bulk.js";
import { BulkLine, filling } from "../../shared/net/bulk-line.js";
import { listenOnOnePort, type OnePort } from "../../shared/net/one-port.js";
import { Blobs, clientOptions, serverOptions } from "../../shared/net/proto.js";
import { until } from "../support/until.js";

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0).reverse()) close();
});

const blobs = new MemoryBlobs();
const greeting = Buffer.from("SGB1");
/** Longer than what a socket buffers. */
const many = Uint8Array.from({ length: 40_000_003 }, (_, i) => (i * 7 + (i >> 12)) % 251);

interface Wanted {
  readonly name?: string;
  readonly length?: number | undefined;
}

async function open(answer: AnswerBulk): Promise<OnePort> {
  const grpcServer = new grpc.Server(serverOptions);
  grpcServer.addService(Blobs.service, blobHandlers(blobs));
  const port = await listenOnOnePort({
    address: "127.0.0.1:0",
    trust: null,
    grpcServer,
    bulk: { bytes: { answer, roles: [] } },
  });
  closers.push(port.close);
  return port;
}

async function serve(answer: AnswerBulk): Promise<string> {
  return (await open(answer)).address;
}

function lineTo(address: string, idleMs = 5_000): BulkLine {
  const line = new BulkLine({ address, trust: null, roles: [], idleMs });
  closers.push(() => line.close());
  return line;
}

function pull(line: BulkLine, wanted: Wanted, target: Uint8Array): Promise<void> {
  return line.pull({ kind: "bytes", ...wanted }, filling(target));
}

function held(bytes: Uint8Array): Bulk {
  return { bytes, isHeld: () => true };
}

const byLength: AnswerBulk = async (request) => {
  const { length = 0, name } = request as Wanted;
  if (name) throw new AppError("MESSAGE_INVALID", `no ${name} here`, { hint: "ask for another" });
  return held(many.subarray(0, length));
};

describe("what is asked for on one line", () => {
  test("arrives in order, whatever its length, and nothing beside it is touched", async () => {
    const line = lineTo(await serve(byLength));
    const lengths = [0, 1, 7, 8, 9, 4_095, 4_096, 4_097, 1_048_576, many.length, 3];
    const targets = lengths.map((length) => new Uint8Array(length + 2).fill(255));
    await Promise.all(targets.map((target, i) => pull(line, { length: lengths[i] }, target.subarray(1, -1))));
    for (const [i, length] of lengths.entries()) {
      expect(Buffer.compare(targets[i]!.subarray(1, -1), many.subarray(0, length))).toBe(0);
      expect([targets[i]!.at(0), targets[i]!.at(-1)]).toEqual([255, 255]);
    }
  });

  test("may be refused with code and hint; the line goes on", async () => {
    const line = lineTo(await serve(byLength));
    const target = new Uint8Array(5);
    const refused = { code: "MESSAGE_INVALID", message: "no such thing here", hint: "ask for another" };
    await expect(pull(line, { name: "such thing" }, target)).rejects.toMatchObject(refused);
    await pull(line, { length: 5 }, target);
    expect(target).toEqual(many.subarray(0, 5));
  });

  test("does not arrive when its memory is given to something else meanwhile", async () => {
    const bytes = many.slice();
    let looks = 0;
    const isHeld = () => {
      if (++looks < 3) return true;
      bytes.fill(0);
      return false;
    };
    const line = lineTo(await serve(async () => ({ bytes, isHeld })));
    await expect(pull(line, {}, new Uint8Array(many.length))).rejects.toMatchObject({
      code: "PEER_UNREACHABLE",
    });
    expect(line.isBroken).toBe(true);
    await expect(pull(line, {}, new Uint8Array(1))).rejects.toMatchObject({ code: "PEER_UNREACHABLE" });
  });

  test("is an error when it is longer or shorter than its place", async () => {
    for (const size of [9, 11]) {
      const line = lineTo(await serve(byLength));
      const wrong = pull(line, { length: 10 }, new Uint8Array(size));
      await expect(wrong).rejects.toThrow(`sends 10 bytes, not ${size}`);
    }
  });

  test("is given up when nothing comes, and when the other side goes", async () => {
    const silent = await serve(() => new Promise<Bulk>(() => undefined));
    await expect(pull(lineTo(silent, 50), {}, new Uint8Array(1))).rejects.toThrow("sent nothing for 50 ms");
    const leaving = await open(() => new Promise<Bulk>(() => undefined));
    const asked = expect(pull(lineTo(leaving.address), {}, new Uint8Array(1))).rejects.toThrow("closed the connection");
    setTimeout(leaving.close, 50);
    await asked;
  });

  test("may wait: a line that owes nothing is not given up", async () => {
    const line = lineTo(await serve(byLength), 50);
    await pull(line, { length: 1 }, new Uint8Array(1));
    await new Promise((resolve) => setTimeout(resolve, 150));
    await pull(line, { length: 1 }, new Uint8Array(1));
  });
});

test("while one answer is sent the next is made ready, and no more than that", async () => {
  let asked = 0;
  const address = await serve(async () => {
    asked++;
    return held(many);
  });
  const socket = connect(Number(address.split(":")[1]), "127.0.0.1");
  closers.push(() => socket.destroy());
  const request = Buffer.from(JSON.stringify({ kind: "bytes" }));
  const frame = Buffer.concat([Buffer.from([request.length, 0, 0, 0]), request]);
  socket.write(Buffer.concat([greeting, frame, frame, frame, frame]));
  await until("two answers", () => asked === 2);
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(asked).toBe(2);
  let received = 0;
  socket.on("data", ({ length }) => {
    received += length;
  });
  await until("all four", () => received === greeting.length + 4 * (8 + many.length));
  expect(asked).toBe(4);
});

test("calls and lines share a port", async () => {
  const address = await serve(byLength);
  const client = new Blobs(address, grpc.credentials.createInsecure(), clientOptions);
  closers.push(() => client.close());
  const digest = blobs.put(many.subarray(0, 3_000_000));
  const [blob] = await Promise.all([
    pullByGrpc(client, digest),
    pull(lineTo(address), { length: 9 }, new Uint8Array(9)),
  ]);
  expect(Buffer.compare(blob, many.subarray(0, 3_000_000))).toBe(0);
});

test("a port that is closed leaves nobody connected, not even those who have said nothing", async () => {
  const port = await open(byLength);
  const silent = connect(Number(port.address.split(":")[1]), "127.0.0.1");
  await once(silent, "connect");
  const line = lineTo(port.address);
  await pull(line, { length: 1 }, new Uint8Array(1));
  const gone = once(silent, "close");
  port.close();
  await gone;
  await until("the line to break", () => line.isBroken);
});

test("a port that is taken is an error with a hint", async () => {
  const address = await serve(byLength);
  const grpcServer = new grpc.Server(serverOptions);
  const again = listenOnOnePort({ address, trust: null, grpcServer, bulk: {} });
  await expect(again).rejects.toMatchObject({ code: "PORT_BUSY", hint: expect.stringContaining("--listen") });
});

test("a refusal that says nothing is one all the same", async () => {
  const line = lineTo(await sending(Buffer.from([...greeting, 1, 0, 0, 0, 0, 0, 0, 0])));
  await expect(pull(line, {}, new Uint8Array(5))).rejects.toMatchObject({ code: "MESSAGE_INVALID" });
  expect(line.isBroken).toBe(false);
});

/** Sends what it is given to whoever comes. */
async function sending(bytes: Uint8Array): Promise<string> {
  const server: Server = createServer((socket: Socket) => {
    socket.on("error", () => undefined);
    socket.write(bytes);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  closers.push(() => server.close());
  return `127.0.0.1:${(server.address() as { readonly port: number }).port}`;
}

test.each([
  ["an answer of another length", Buffer.from([...greeting, 0, 0, 0, 0, 4, 0, 0, 0, 1, 2, 3, 4])],
  ["a refusal without end", Buffer.from([...greeting, 1, 0, 0, 0, 255, 255, 255, 127])],
  ["something else altogether", Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\n")],
])("%s breaks the line, and takes no memory", async (_, bytes) => {
  const line = lineTo(await sending(bytes));
  await expect(pull(line, {}, new Uint8Array(5))).rejects.toBeInstanceOf(AppError);
  expect(line.isBroken).toBe(true);
});

test.each([
  ["no JSON", Buffer.concat([Buffer.from("SGB1"), Buffer.from([2, 0, 0, 0]), Buffer.from("{x")])],
  ["a request without end", Buffer.concat([Buffer.from("SGB1"), Buffer.from([255, 255, 255, 255])])],
  ["another greeting", Buffer.from("SMTP....")],
])("whoever sends %s gets no bytes, and others theirs", async (_, bytes) => {
  const address = await serve(byLength);
  const socket = connect(Number(address.split(":")[1]), "127.0.0.1");
  closers.push(() => socket.destroy());
  let answer = Buffer.alloc(0);
  socket.on("data", (data) => {
    answer = Buffer.concat([answer, data]);
  });
  socket.write(bytes);
  await until("an answer, or the end", () => socket.closed || answer.length > greeting.length);
  // A status that is not 0, or nothing.
  const afterGreeting = answer.subarray(greeting.length);
  expect(afterGreeting.length === 0 || afterGreeting.readUInt32LE(0) > 0).toBe(true);
  await pull(lineTo(address), { length: 3 }, new Uint8Array(3));
});
