/**
 * A pack of 8-bit maps (label maps, CAMs) for the images of one shard: magic, header length, JSON header, then each map
 * deflated. A 256 x 256 label map takes about 1 KB.
 */
import { deflateRawSync, inflateRawSync } from "node:zlib";
import { z } from "zod";
import { AppError } from "../errors.js";

export interface ByteMap {
  /** Image index in its split. */
  readonly image: number;
  readonly height: number;
  readonly width: number;
  /** Planes per image; data is channel-last, [height, width, channels]. */
  readonly channels: number;
  readonly data: Uint8Array;
}

const count = z.int().nonnegative();
const headerSchema = z.array(z.object({ image: count, height: count, width: count, channels: count, bytes: count }));
type HeaderEntry = z.infer<typeof headerSchema>[number];

const magic = Buffer.from("SGM1");
/** A shard's pack stays far below this; a larger header means a damaged file. */
const headerBytesMax = 16 * 1024 * 1024;
/** One map: 4096 x 4096 with 4 planes. */
const mapBytesMax = 64 * 1024 * 1024;

/** All maps of a pack, inflated: 1000 images, the largest shard, of 1024 x 1024. A kilobyte can claim to be a megabyte. */
const packBytesMax = 1024 * 1024 * 1024;

export function encodeMapPack(maps: readonly ByteMap[]): Uint8Array {
  const bodies = maps.map((map) => deflateRawSync(map.data));
  const entries: HeaderEntry[] = maps.map(({ image, height, width, channels }, i) => {
    return { image, height, width, channels, bytes: bodies[i]!.length };
  });
  const header = Buffer.from(JSON.stringify(entries));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(header.length);
  return Buffer.concat([magic, length, header, ...bodies]);
}

/** A map as it lies in its pack. */
export interface PackedMap {
  readonly image: number;
  /** @throws AppError DIGEST_MISMATCH when its bytes are no such map */
  readonly unpack: () => ByteMap;
}

/** @throws AppError DIGEST_MISMATCH when the bytes are not a whole pack. */
export function decodeMapPack(pack: Uint8Array): ByteMap[] {
  return openMapPack(pack).map(({ unpack }) => unpack());
}

/** The maps stay deflated, a hundredth of their size, until somebody wants one. `pack` stays as it is. @throws the same */
export function openMapPack(pack: Uint8Array): PackedMap[] {
  const bytes = Buffer.from(pack.buffer, pack.byteOffset, pack.byteLength);
  if (bytes.length < 8 || !bytes.subarray(0, 4).equals(magic)) throw damaged("no header");
  const headerBytes = bytes.readUInt32LE(4);
  if (headerBytes > headerBytesMax || 8 + headerBytes > bytes.length) throw damaged("header too long");
  const entries = parseHeader(bytes.toString("utf8", 8, 8 + headerBytes));
  const total = entries.reduce((sum, { height, width, channels }) => sum + height * width * channels, 0);
  if (total > packBytesMax) throw damaged(`its maps would take ${total} bytes (at most ${packBytesMax})`);
  let offset = 8 + headerBytes;
  return entries.map((entry) => {
    const body = bytes.subarray(offset, offset + entry.bytes);
    offset += entry.bytes;
    if (body.length !== entry.bytes) throw damaged(`image ${entry.image} is cut short`);
    return { image: entry.image, unpack: () => ({ ...pickShape(entry), data: inflate(body, entry) }) };
  });
}

function parseHeader(text: string): HeaderEntry[] {
  try {
    return headerSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw damaged("its header cannot be read", cause);
  }
}

function pickShape({ image, height, width, channels }: HeaderEntry) {
  return { image, height, width, channels };
}

function inflate(body: Buffer, entry: HeaderEntry): Uint8Array {
  const expected = entry.height * entry.width * entry.channels;
  if (expected > mapBytesMax) throw damaged(`image ${entry.image} would take ${expected} bytes`);
  const data = inflateMap(body, expected, entry);
  if (data.length !== expected) throw damaged(`image ${entry.image} has ${data.length} bytes, not ${expected}`);
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

function inflateMap(body: Buffer, expected: number, { image }: HeaderEntry): Buffer {
  try {
    return inflateRawSync(body, { maxOutputLength: expected + 1 });
  } catch (cause) {
    throw damaged(`image ${image} cannot be inflated to ${expected} bytes`, cause);
  }
}

function damaged(what: string, cause?: unknown): AppError {
  return new AppError("DIGEST_MISMATCH", `a label pack is damaged: ${what}`, { cause });
}
