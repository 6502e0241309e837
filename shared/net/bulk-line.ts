/** The asking end of a bulk line (bulk.ts). What arrives is read into its place: nothing is copied in between. */
import { connect as connectTcp, isIP, type OnReadOpts, type Socket } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { AppError } from "../errors.js";
import { bulkPieceBytes } from "../limits.js";
import { currentTraceparent, inSpan } from "../observe/tracing.js";
import { answerHeaderBytes, type BulkRequest, bulkAlpn, bulkGreeting, frameOf, readHeader, refusalIn } from "./bulk.js";
import { checkPeer } from "./credentials.js";
import { hostOf, portOf } from "./exposure.js";
import type { Role } from "./identity.js";
import { tlsProblem } from "./tls-problems.js";
import { problemWith, type Trust } from "./trust.js";

export interface BulkLineOptions {
  /** host:port. */
  readonly address: string;
  readonly trust: Trust | null;
  /** Whom we take an answer from. */
  readonly roles: readonly Role[];
  /** A line that owes an answer and is silent for so long is given up, milliseconds; 0: never, unless hastened. */
  readonly idleMs: number;
}

const keepAliveMs = 10_000;
/** A refusal is a sentence. */
const refusalBytesMax = 64 * 1024;

/** Where an answer goes. */
export interface BulkSink {
  /** An answer of so many bytes comes. @throws AppError when that is none */
  begin(length: number): void;
  /** Where the next bytes of `left` go. */
  room(left: number): Uint8Array;
  /** They have come there. Nothing more is read until it has resolved. */
  take?(bytes: Uint8Array): void | Promise<void>;
}

interface Asked {
  readonly sink: BulkSink;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** What is being read. */
interface Body {
  readonly isOk: boolean;
  readonly sink: BulkSink;
  left: number;
  /** Where the next bytes go. */
  room: Uint8Array;
}

/** As long as the answer, or it is an error. */
export function filling(target: Uint8Array): BulkSink {
  return {
    begin(length) {
      if (length !== target.length)
        throw new AppError("MESSAGE_INVALID", `the other side sends ${length} bytes, not ${target.length}`);
    },
    room: (left) => target.subarray(target.length - left),
  };
}

/** What is taken a piece at a time, as it comes. */
export function streaming(begin: BulkSink["begin"], take: (bytes: Buffer) => void | Promise<void>): BulkSink {
  let memory = Buffer.allocUnsafe(bulkPieceBytes);
  return {
    begin,
    // Whoever has got a piece may keep it.
    room(left) {
      if (memory.length < bulkPieceBytes / 16) memory = Buffer.allocUnsafe(bulkPieceBytes);
      return memory.subarray(0, left);
    },
    take({ length }) {
      const piece = memory.subarray(0, length);
      memory = memory.subarray(length);
      return take(piece);
    },
  };
}

export class BulkLine {
  private readonly asked: Asked[] = [];
  /** The greeting, then headers. */
  private head = Buffer.alloc(bulkGreeting.length);
  private headReceived = 0;
  private isGreeted = false;
  private body: Body | null = null;
  private refusal = new Uint8Array(0);
  private readonly socket: Socket;
  private broken: Error | null = null;
  private idleMs: number;

  constructor(private readonly options: BulkLineOptions) {
    const onread = { buffer: () => this.room(), callback: (bytes: number) => this.take(bytes) };
    this.socket = dial(options, onread);
    const { address } = options;
    this.idleMs = options.idleMs;
    const lose = (why: string, cause?: Error) => {
      this.break(tlsProblem(cause) ?? new AppError("PEER_UNREACHABLE", `${address} ${why}`, { cause }));
    };
    this.socket.on("error", (error) => lose(error.message, error));
    this.socket.on("close", () => lose("closed the connection"));
    this.socket.on("timeout", () => lose(`sent nothing for ${this.idleMs} ms`));
    // Between two steps nothing is said: firewalls must not forget the connection.
    this.socket.setKeepAlive(true, keepAliveMs);
    this.socket.resume();
    this.socket.write(bulkGreeting);
  }

  /** Nothing more can be asked on it. */
  get isBroken(): boolean {
    return this.broken !== null;
  }

  /**
   * @throws AppError what `sink` throws, what the other side refuses with, or CERT_* when it is nobody to take an answer from;
   * PEER_UNREACHABLE when the line breaks
   */
  async pull(request: BulkRequest, sink: BulkSink): Promise<void> {
    if (this.broken) throw this.broken;
    await new Promise<void>((resolve, reject) => {
      this.asked.push({ sink, resolve, reject });
      this.idleMs = this.options.idleMs;
      this.socket.setTimeout(this.idleMs);
      this.socket.write(frameOf(request));
    });
    // The handshake is long ago.
    const { trust, roles } = this.options;
    const problem = trust ? problemWith(trust, (this.socket as TLSSocket).getPeerCertificate(), roles) : null;
    if (problem) throw problem;
  }

  /** What is owed is there to be sent by now: a silence of `idleMs` is too long. */
  hasten(idleMs: number): void {
    if (this.asked.length === 0) return;
    this.idleMs = idleMs;
    this.socket.setTimeout(idleMs);
  }

  close(): void {
    this.break(new AppError("INTERRUPTED", "the connection was closed"));
  }

  /** Whoever still waits for an answer gets the error. */
  private break(error: Error): void {
    if (this.broken) return;
    this.broken = error;
    this.socket.destroy();
    for (const { reject } of this.asked.splice(0)) reject(error);
  }

  /** Where the next bytes go. */
  private room(): Uint8Array {
    const { body } = this;
    if (!body) return this.head.subarray(this.headReceived);
    body.room = body.sink.room(body.left);
    return body.room;
  }

  /** So many have come there. True: go on. */
  private take(bytes: number): boolean {
    const { body } = this;
    if (!body) {
      this.headReceived += bytes;
      if (this.headReceived === this.head.length) this.read();
      return !this.broken;
    }
    body.left -= bytes;
    const taking = body.sink.take?.(body.room.subarray(0, bytes));
    // The memory of the next read is asked for when this returns.
    if (body.left === 0) this.body = null;
    const settle = () => {
      if (body.left === 0 && !this.broken) this.finish(body.isOk);
    };
    if (!taking) {
      settle();
      return !this.broken;
    }
    const goOn = () => {
      settle();
      this.socket.resume();
    };
    taking.then(goOn, (error: unknown) => this.break(AppError.from(error)));
    return false;
  }

  /** What the head says. */
  private read(): void {
    this.headReceived = 0;
    if (this.isGreeted) {
      this.open();
    } else if (this.head.equals(bulkGreeting)) {
      this.isGreeted = true;
      this.head = Buffer.alloc(answerHeaderBytes);
    } else {
      this.break(new AppError("PEER_UNREACHABLE", `${this.options.address} does not speak as bulk lines do`));
    }
  }

  private open(): void {
    const { isOk, length } = readHeader(this.head);
    const [next] = this.asked;
    if (!next || (!isOk && length > refusalBytesMax)) {
      this.break(new AppError("MESSAGE_INVALID", `${this.options.address} answers what nobody asked`));
      return;
    }
    if (!isOk) this.refusal = new Uint8Array(length);
    const sink = isOk ? next.sink : filling(this.refusal);
    try {
      sink.begin(length);
      if (length === 0) this.finish(isOk);
      else this.body = { isOk, sink, left: length, room: this.head };
    } catch (thrown) {
      this.break(AppError.from(thrown));
    }
  }

  private finish(isOk: boolean): void {
    const { resolve, reject } = this.asked.shift()!;
    if (this.asked.length === 0) this.socket.setTimeout(0);
    if (isOk) resolve();
    else reject(refusalIn(this.refusal));
  }
}

/** Lines to one address, one after the other: a broken one is not used for whoever comes back there. */
export class BulkLink {
  private line: BulkLine | null = null;
  private hasWorked = false;
  private failed = false;
  private isClosed = false;

  constructor(private readonly options: BulkLineOptions) {}

  /** Nobody has ever answered there: a wall that lets gRPC alone through. */
  get isVain(): boolean {
    return this.failed && !this.hasWorked;
  }

  /** A line has broken, or something was refused. */
  get hasFailed(): boolean {
    return this.failed;
  }

  /** @throws AppError as `BulkLine.pull` does */
  async pull(request: BulkRequest, sink: BulkSink): Promise<void> {
    // Whoever still pulls over it must not open it again: nobody would close it.
    if (this.isClosed) throw new AppError("INTERRUPTED", `the connection to ${this.options.address} was closed`);
    const line = !this.line || this.line.isBroken ? new BulkLine(this.options) : this.line;
    this.line = line;
    try {
      await inSpan(`bulk ${request.kind}`, { "server.address": this.options.address }, () =>
        line.pull({ ...request, traceparent: currentTraceparent() }, sink),
      );
      this.hasWorked = true;
    } catch (error) {
      this.failed = true;
      throw error;
    }
  }

  /** As `BulkLine.hasten`. */
  hasten(idleMs: number): void {
    this.line?.hasten(idleMs);
  }

  close(): void {
    this.isClosed = true;
    this.line?.close();
  }
}

function dial({ address, trust, roles }: BulkLineOptions, onread: OnReadOpts): Socket {
  const host = hostOf(address);
  const place = { host, port: portOf(address), noDelay: true, onread };
  if (!trust) return connectTcp(place);
  const { ca, cert, key } = trust;
  return connectTls({
    ...{ ...place, ca, cert, key, minVersion: "TLSv1.3", ALPNProtocols: [bulkAlpn] },
    // TLS has no names for IP addresses to ask for (RFC 6066).
    servername: isIP(host) === 0 ? host : "",
    checkServerIdentity: (_, peer) => checkPeer(trust, roles, host, peer),
  });
}
