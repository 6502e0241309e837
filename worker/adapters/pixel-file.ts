/**
 * One file of decoded pixels: RGB bytes, then a checksum over them and over the file's name, so that a file under another
 * photo's name is as wrong as a damaged one. CRC-32 and not SHA-256: it has to tell failing disks, not forgers, and takes a
 * third of the time (0.03 of 0.10 ms for 256 x 256 px; a tenth where the processor has no instructions for SHA-256).
 */
import { open } from "node:fs/promises";
import { join } from "node:path";
import zlib from "node:zlib";
import crc from "crc-32";
import type { Digest } from "../../shared/codec/digest.js";

const sealBytes = 4;
/** A disk gives space in blocks. */
const blockBytes = 4096;
const digestLength = 64;
/** A draft has a random end. */
const pattern = /^[0-9a-f]{64}-\d{1,5}-[0-9a-f]{12}([.][0-9a-f-]{36})?$/;
/** Node 20.15 and newer have it. */
const crc32: typeof zlib.crc32 = zlib.crc32 ?? ((bytes, seed = 0) => crc.buf(bytes as Uint8Array, seed | 0) >>> 0);

/** Names the pixels of one photo, [side, side, 3], as the decoder with this tag, 12 hex digits, makes them. */
export function pixelName(digest: Digest, side: number, decoderTag: string): string {
  return `${digest}-${side}-${decoderTag}`;
}

export function pixelPath(dir: string, name: string): string {
  return join(dir, name.slice(0, 2), name);
}

/** Whether it is a name as pixelName makes them, or a draft of one. */
export function isPixelName(name: string): boolean {
  return pattern.test(name);
}

/** What a file takes of the disk, by such a name. */
export function bytesByName(name: string): number {
  const side = Number.parseInt(name.slice(digestLength + 1), 10);
  return Math.ceil((3 * side ** 2 + sealBytes) / blockBytes) * blockBytes;
}

export function sealOf(name: string, pixels: Uint8Array): Uint8Array {
  const seal = Buffer.alloc(sealBytes);
  seal.writeUInt32LE(crc32(pixels, crc32(name)));
  return seal;
}

/** Into shared memory, without a copy. Null: there is no such file. "damaged": not what was written under that name. */
export async function readPixels(path: string, name: string, side: number): Promise<Uint8Array | null | "damaged"> {
  const file = await open(path).catch(() => null);
  if (!file) return null;
  try {
    const pixels = new Uint8Array(new SharedArrayBuffer(3 * side * side));
    // V8 counts no shared memory, and would collect nothing for a gigabyte: as much that it counts, and nobody touches.
    Buffer.allocUnsafeSlow(pixels.length);
    // One byte more than there should be: a file that goes on is noticed.
    const seal = new Uint8Array(sealBytes + 1);
    const { bytesRead } = await file.readv([pixels, seal], 0);
    const isWhole = bytesRead === pixels.length + sealBytes;
    return isWhole && sealOf(name, pixels).every((byte, i) => byte === seal[i]) ? pixels : "damaged";
  } catch {
    return "damaged";
  } finally {
    await file.close();
  }
}
