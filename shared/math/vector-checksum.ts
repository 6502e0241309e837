/** A checksum of bytes as they come, or as they are made, with vector instructions (wasm/vectors). */
import { blockFloats, programOf } from "./vector-memory.js";

/** What goes into the sixteen sums at a time, and into four of them where less is left. */
const [groupBytes, partBytes] = [64, 16];
const blockBytes = 4 * blockFloats;
/** The block that has the sums while the program is at work; what is summed may be in the first. */
const [bytesBlock, sumsBlock] = [0, 3];

/**
 * 64 bytes in which the bits of all that was added count, faster than SHA-256: for those who want to know whether they have the same, not
 * against anybody who wants them to believe it. However it was cut into pieces.
 */
export class Checksum {
  /** Bytes that were added. */
  length = 0;
  private readonly sums = new Uint8Array(groupBytes);
  /** Of a group that is not whole yet. */
  private readonly begun = new Uint8Array(groupBytes);

  /** Goes on with them. */
  add(data: Float32Array | Uint8Array): this {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    const waiting = this.length % groupBytes;
    const first = waiting === 0 ? 0 : Math.min(groupBytes - waiting, bytes.length);
    this.begun.set(bytes.subarray(0, first), waiting);
    if (first > 0 && waiting + first === groupBytes) stir(this.sums, this.begun);
    const end = first + groupBytes * Math.floor((bytes.length - first) / groupBytes);
    stir(this.sums, bytes.subarray(first, end));
    this.begun.set(bytes.subarray(end));
    this.length += bytes.length;
    return this;
  }

  /** Of all so far; what is no whole part is filled up with zeros. */
  get bytes(): Uint8Array {
    const sums = this.sums.slice();
    const waiting = this.length % groupBytes;
    const parts = waiting - (waiting % partBytes);
    stir(sums, this.begun.subarray(0, parts));
    const rest = new Uint8Array(partBytes);
    rest.set(this.begun.subarray(parts, waiting));
    if (parts < waiting) stir(sums, rest);
    return sums;
  }
}

/** Whole groups, or whole parts of one. */
function stir(sums: Uint8Array, bytes: Uint8Array): void {
  if (bytes.length === 0) return;
  const program = programOf(bytes);
  const state = program.copy(sums, sumsBlock);
  for (let at = 0; at < bytes.length; at += blockBytes) {
    const part = bytes.subarray(at, at + blockBytes);
    program.vectors.checksum(program.enter(part, bytesBlock), part.length / 4, state);
  }
  sums.set(new Uint8Array(program.memory.buffer, state, groupBytes));
}

export function checksumOf(values: Float32Array): Uint8Array {
  return new Checksum().add(values).bytes;
}
