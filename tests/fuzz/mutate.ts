/** Damage: what accidents and other programs do to bytes and to JSON. */
import fc from "fast-check";

interface ByteEdit {
  readonly kind: "flip" | "set" | "cut" | "insert" | "copy" | "zero" | "number";
  readonly at: number;
  readonly value: number;
  readonly length: number;
}

const byteEdit: fc.Arbitrary<ByteEdit> = fc.record({
  kind: fc.constantFrom("flip", "set", "cut", "insert", "copy", "zero", "number"),
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  value: fc.integer({ min: 0, max: 255 }),
  length: fc.integer({ min: 1, max: 64 }),
});

/** Lengths and sizes that programs get wrong. */
const awkward = [0, 1, 0x7f, 0xff, 0x7fff, 0xffff, 0x7fffffff, 0xffffffff];

/** One of the samples with up to eight damages, or bytes of no origin. */
export function damagedBytes(samples: readonly Uint8Array[]): fc.Arbitrary<Uint8Array> {
  const damaged = fc
    .tuple(fc.constantFrom(...samples), fc.array(byteEdit, { minLength: 1, maxLength: 8 }))
    .map(([sample, edits]) => edits.reduce(applyByteEdit, Uint8Array.from(sample)));
  return fc.oneof({ weight: 9, arbitrary: damaged }, { weight: 1, arbitrary: fc.uint8Array({ maxLength: 300 }) });
}

function applyByteEdit(bytes: Uint8Array, { kind, at, value, length }: ByteEdit): Uint8Array {
  if (bytes.length === 0) return bytes;
  const i = Math.min(Math.floor(at * bytes.length), bytes.length - 1);
  switch (kind) {
    case "flip":
      return bytes.with(i, bytes[i]! ^ (1 << (value & 7)));
    case "set":
      return bytes.with(i, value);
    case "cut":
      return value < 128 ? bytes.slice(0, i) : concat(bytes.slice(0, i), bytes.slice(i + length));
    case "insert":
      return concat(bytes.slice(0, i), new Uint8Array(length).fill(value), bytes.slice(i));
    case "copy":
      return concat(bytes.slice(0, i), bytes.slice(0, length), bytes.slice(i));
    case "zero":
      return bytes.fill(0, i, i + length);
    case "number": {
      const number = Buffer.alloc(4);
      const chosen = awkward[value % awkward.length]!;
      value & 8 ? number.writeUInt32LE(chosen) : number.writeUInt32BE(chosen);
      return concat(bytes.slice(0, i), number, bytes.slice(i + 4));
    }
  }
}

function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

const strange = fc.oneof(
  fc.constantFrom<unknown>(
    ...[null, "", -1, 0, 1e308, -0.5, 2 ** 53, true, [], {}, "..", "../../x", "/etc/passwd", "\0", "__proto__", "NaN"],
  ),
  fc.jsonValue({ maxDepth: 2 }),
);

interface JsonEdit {
  readonly path: readonly number[];
  readonly kind: "replace" | "remove" | "add" | "double" | "proto";
  readonly value: unknown;
}

const jsonEdit: fc.Arbitrary<JsonEdit> = fc.record({
  path: fc.array(fc.nat(30), { minLength: 1, maxLength: 6 }),
  kind: fc.constantFrom("replace", "remove", "add", "double", "proto"),
  value: strange,
});

/** One of the samples with up to four changes somewhere inside, or any JSON. */
export function damagedJson(samples: readonly unknown[]): fc.Arbitrary<unknown> {
  const damaged = fc
    .tuple(fc.constantFrom(...samples), fc.array(jsonEdit, { minLength: 1, maxLength: 4 }))
    .map(([sample, edits]) => {
      const copy: unknown = structuredClone(sample);
      for (const edit of edits) applyJsonEdit(copy, edit);
      return copy;
    });
  return fc.oneof({ weight: 9, arbitrary: damaged }, { weight: 1, arbitrary: strange });
}

function applyJsonEdit(root: unknown, edit: JsonEdit): void {
  let at = root;
  for (const [depth, step] of edit.path.entries()) {
    if (!isHolder(at)) return;
    const keys = Object.keys(at);
    const key = keys[step % Math.max(1, keys.length)];
    if (key === undefined) return;
    if (depth === edit.path.length - 1 || !isHolder(at[key])) {
      change(at, key, edit);
      return;
    }
    at = at[key];
  }
}

function isHolder(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === "object";
}

function change(holder: Record<string, unknown>, key: string, { kind, value }: JsonEdit): void {
  switch (kind) {
    case "replace":
      holder[key] = value;
      return;
    case "remove":
      delete holder[key];
      return;
    case "add":
      holder.added = value;
      return;
    case "double":
      if (Array.isArray(holder)) holder.push(holder[Number(key)]);
      return;
    case "proto":
      Object.defineProperty(holder, "__proto__", { value, enumerable: true, configurable: true, writable: true });
  }
}
