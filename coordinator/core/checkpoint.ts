/**
 * Checkpoints inside a training phase: their container, their names, and which to use or delete. Pure.
 *
 * Container: magic, header length, JSON header with the SHA-256 and length of every section, SHA-256 of the header,
 * then the sections. A file cut short or altered anywhere decodes to null, so that the one before it is taken.
 */
import { z } from "zod";
import { sha256 } from "../../shared/codec/digest.js";

export interface CheckpointHeader {
  /** phaseKey of the training phase. */
  readonly phase: string;
  /** The first step that is not part of the sections. */
  readonly nextStep: number;
  /** Small things that belong to the position: layout, losses so far. */
  readonly extra: Readonly<Record<string, unknown>>;
}

export interface Checkpoint {
  readonly header: CheckpointHeader;
  /** 4-byte aligned: parameters, then the optimiser's moments. */
  readonly sections: readonly Uint8Array[];
}

const storedHeaderSchema = z.object({
  phase: z.string(),
  nextStep: z.int().nonnegative(),
  extra: z.record(z.string(), z.unknown()),
  sections: z.array(z.object({ digest: z.string(), bytes: z.int().nonnegative() })),
});
type StoredHeader = z.infer<typeof storedHeaderSchema>;

const magic = Buffer.from("SGC1");
const lengthBytes = 4;
const digestChars = 64;
/** Layout of a thousand tensors and a hundred losses take 100 KB; more means a damaged file. */
const headerBytesMax = 16 * 1024 * 1024;

/** The pieces of the file in order; the sections themselves are not copied. */
export function encodeCheckpoint(header: CheckpointHeader, sections: readonly Uint8Array[]): Uint8Array[] {
  const described = sections.map((bytes) => ({ digest: sha256(bytes), bytes: bytes.byteLength }));
  const json = padded(
    JSON.stringify({ ...header, extra: { ...header.extra }, sections: described } satisfies StoredHeader),
  );
  const length = Buffer.alloc(lengthBytes);
  length.writeUInt32LE(json.length);
  return [magic, length, json, Buffer.from(sha256(json)), ...sections];
}

/** Null when the bytes are not one whole, unaltered checkpoint. */
export function decodeCheckpoint(file: Uint8Array): Checkpoint | null {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  const bodyAt = magic.length + lengthBytes;
  if (bytes.length < bodyAt || !bytes.subarray(0, magic.length).equals(magic)) return null;
  const headerBytes = bytes.readUInt32LE(magic.length);
  const sectionsAt = bodyAt + headerBytes + digestChars;
  if (headerBytes > headerBytesMax || sectionsAt > bytes.length) return null;
  const json = bytes.subarray(bodyAt, bodyAt + headerBytes);
  if (sha256(json) !== bytes.toString("latin1", bodyAt + headerBytes, sectionsAt)) return null;
  const stored = headerOf(json);
  if (!stored) return null;
  const { sections, ...header } = stored;
  const whole = sections.reduce((end, section) => end + section.bytes, sectionsAt);
  if (whole !== bytes.length) return null;
  const found: Uint8Array[] = [];
  let offset = sectionsAt;
  for (const section of sections) {
    found.push(file.subarray(offset, offset + section.bytes));
    offset += section.bytes;
  }
  return found.every((section, i) => sha256(section) === sections[i]!.digest) ? { header, sections: found } : null;
}

function headerOf(json: Buffer): StoredHeader | null {
  try {
    return storedHeaderSchema.parse(JSON.parse(json.toString()));
  } catch {
    return null;
  }
}

/** Sections begin at a multiple of 4: the header makes up for it with spaces. */
function padded(json: string): Buffer {
  const bytes = Buffer.from(json);
  return Buffer.concat([bytes, Buffer.from(" ".repeat((4 - (bytes.length % 4)) % 4))]);
}

const pattern = /^(.+)-step-(\d{7})\.ckpt$/;

/** "train-2-step-0000150.ckpt": sorts by step. */
export function checkpointName(phase: string, nextStep: number): string {
  return `${phase}-step-${String(nextStep).padStart(7, "0")}.ckpt`;
}

/** Of all the names in the folder, those of the phase, newest first. */
export function checkpointsNewestFirst(names: readonly string[], phase: string): string[] {
  return names
    .filter((name) => pattern.exec(name)?.[1] === phase)
    .sort()
    .reverse();
}

/**
 * What a coordinator in `phase` may delete: checkpoints of phases whose end is durable, and all but the newest `keep` of
 * its own. Never those of later phases: an older coordinator that comes back must not harm the newer one's.
 */
export function checkpointsToDelete(
  names: readonly string[],
  { phase, done }: { readonly phase: string; readonly done: readonly string[] },
  keep: number,
): string[] {
  const stale = done.flatMap((key) => checkpointsNewestFirst(names, key));
  return [...stale, ...checkpointsNewestFirst(names, phase).slice(keep)];
}
