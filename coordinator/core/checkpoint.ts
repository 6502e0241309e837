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
/** Magic and header length: enough to know how long the head is. */
export const headStartBytes = magic.length + lengthBytes;
/** Layout of a thousand tensors and a hundred losses take 100 KB; more means a damaged file. */
const headerBytesMax = 16 * 1024 * 1024;

/** A section as the header tells of it. */
export interface SectionFacts {
  readonly digest: string;
  readonly bytes: number;
}

/** Where a section lies in the file. */
export interface SectionPlace extends SectionFacts {
  readonly at: number;
}

/** What comes before the sections. */
export function checkpointHead(header: CheckpointHeader, sections: readonly SectionFacts[]): Uint8Array[] {
  const json = padded(JSON.stringify({ ...header, extra: { ...header.extra }, sections: [...sections] }));
  const length = Buffer.alloc(lengthBytes);
  length.writeUInt32LE(json.length);
  return [magic, length, json, Buffer.from(sha256(json))];
}

/** The pieces of the file in order; the sections themselves are not copied. */
export function encodeCheckpoint(header: CheckpointHeader, sections: readonly Uint8Array[]): Uint8Array[] {
  const facts = sections.map((bytes) => ({ digest: sha256(bytes), bytes: bytes.byteLength }));
  return [...checkpointHead(header, facts), ...sections];
}

/** How many bytes the head has, of a file that begins like this and is `fileBytes` long; null: no checkpoint. */
export function headBytes(start: Uint8Array, fileBytes: number): number | null {
  const bytes = Buffer.from(start.buffer, start.byteOffset, start.byteLength);
  if (bytes.length < headStartBytes || !bytes.subarray(0, magic.length).equals(magic)) return null;
  const jsonBytes = bytes.readUInt32LE(magic.length);
  const head = headStartBytes + jsonBytes + digestChars;
  return jsonBytes > headerBytesMax || head > fileBytes ? null : head;
}

/** What a whole head tells of a file `fileBytes` long; null when it is damaged, or the file longer or shorter. */
export function parseHead(
  head: Uint8Array,
  fileBytes: number,
): { header: CheckpointHeader; sections: SectionPlace[] } | null {
  const bytes = Buffer.from(head.buffer, head.byteOffset, head.byteLength);
  const json = bytes.subarray(headStartBytes, -digestChars);
  if (sha256(json) !== bytes.toString("latin1", bytes.length - digestChars)) return null;
  const stored = headerOf(json);
  if (!stored) return null;
  const { sections, ...header } = stored;
  let at = head.length;
  const places = sections.map((section) => {
    const place = { ...section, at };
    at += section.bytes;
    return place;
  });
  return at === fileBytes ? { header, sections: places } : null;
}

/** Null when the bytes are not one whole, unaltered checkpoint. */
export function decodeCheckpoint(file: Uint8Array): Checkpoint | null {
  const length = headBytes(file, file.length);
  const head = length === null ? null : parseHead(file.subarray(0, length), file.length);
  if (!head) return null;
  const sections = head.sections.map(({ at, bytes }) => file.subarray(at, at + bytes));
  const areWhole = sections.every((section, i) => sha256(section) === head.sections[i]!.digest);
  return areWhole ? { header: head.header, sections } : null;
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
