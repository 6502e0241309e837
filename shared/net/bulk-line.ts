/** The asking end of a bulk line (bulk.ts). What arrives is read into its place: nothing is copied in between. */
import { connect as connectTcp, isIP, type OnReadOpts, type Socket } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { AppError } from "../errors.js";
import { answerHeaderBytes, bulkAlpn, bulkGreeting, frameOf, readHeader, refusalIn } from "./bulk.js";
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
  /** A line that owes an answer and is silent for so long is given up, milliseconds. */
  readonly idleMs: number;
}

/** A refusal is a sentence. */
const refusalBytesMax = 64 * 1024;

interface Asked {
  readonly target: Uint8Array;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** What is being read. */
interface Body {
  readonly isOk: boolean;
  readonly bytes: Uint8Array;
  received: number;
}

export class BulkLine {
  private readonly asked: Asked[] = [];
  private readonly header = Buffer.alloc(answerHeaderBytes);
  private headerReceived = 0;
  private body: Body | null = null;
  private readonly socket: Socket;
  private broken: Error | null = null;

  constructor(private readonly options: BulkLineOptions) {
    const onread = { buffer: () => this.room(), callback: (bytes: number) => this.take(bytes) };
    this.socket = dial(options, onread);
    const { address, idleMs } = options;
    const lose = (why: string, cause?: Error) => {
      this.break(tlsProblem(cause) ?? new AppError("PEER_UNREACHABLE", `${address} ${why}`, { cause }));
    };
    this.socket.on("error", (error) => lose(error.message, error));
    this.socket.on("close", () => lose("closed the connection"));
    this.socket.on("timeout", () => lose(`sent nothing for ${idleMs} ms`));
    this.socket.resume();
    this.socket.write(bulkGreeting);
  }

  /** Nothing more can be asked on it. */
  get isBroken(): boolean {
    return this.broken !== null;
  }

  /**
   * Fills `target`, which must be as long as the answer.
   * @throws AppError MESSAGE_INVALID for another length, what the other side refuses with, or CERT_* when it is nobody to
   * take an answer from; PEER_UNREACHABLE when the line breaks
   */
  async pull(request: object, target: Uint8Array): Promise<void> {
    if (this.broken) throw this.broken;
    await new Promise<void>((resolve, reject) => {
      this.asked.push({ target, resolve, reject });
      this.socket.setTimeout(this.options.idleMs);
      this.socket.write(frameOf(request));
    });
    // The handshake is long ago.
    const { trust, roles } = this.options;
    const problem = trust ? problemWith(trust, (this.socket as TLSSocket).getPeerCertificate(), roles) : null;
    if (problem) throw problem;
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
    return body ? body.bytes.subarray(body.received) : this.header.subarray(this.headerReceived);
  }

  /** So many have come there. True: go on. */
  private take(bytes: number): boolean {
    if (this.body) this.body.received += bytes;
    else this.headerReceived += bytes;
    if (!this.body && this.headerReceived === answerHeaderBytes) this.open();
    if (this.body && this.body.received === this.body.bytes.length) this.finish(this.body);
    return !this.broken;
  }

  private open(): void {
    const { isOk, length } = readHeader(this.header);
    const [next] = this.asked;
    this.headerReceived = 0;
    const expected = next?.target.length ?? 0;
    if (isOk && length !== expected) {
      this.break(new AppError("MESSAGE_INVALID", `${this.options.address} sends ${length} bytes, not ${expected}`));
    } else if (next && (isOk || length <= refusalBytesMax)) {
      this.body = { isOk, bytes: isOk ? next.target : new Uint8Array(length), received: 0 };
    } else this.break(new AppError("MESSAGE_INVALID", `${this.options.address} answers what nobody asked`));
  }

  private finish({ isOk, bytes }: Body): void {
    this.body = null;
    const { resolve, reject } = this.asked.shift()!;
    if (this.asked.length === 0) this.socket.setTimeout(0);
    if (isOk) resolve();
    else reject(refusalIn(bytes));
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
