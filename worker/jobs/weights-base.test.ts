import { describe, expect, test } from "vitest";
import { byChecksum, bySha256, isChecksum, nameOf } from "../../shared/codec/checksum.js";
import { bytesOf } from "../../shared/codec/digest.js";
import { AppError } from "../../shared/errors.js";
import { encode } from "../../shared/math/wire.js";
import type { PullOptions } from "../../shared/net/blobs.js";
import { WeightsBase } from "./weights-base.js";

const before = Float32Array.of(1, 2, 3);
const change = Float32Array.of(0.5, 0, -0.25);
const after = Float32Array.of(1.5, 2, 2.75);

/** Blobs by their digest, where they are wanted, and which of them were pulled. */
function blobs(...all: Uint8Array[]) {
  const pulled: string[] = [];
  const pull = async (digest: string, room?: PullOptions["room"]) => {
    pulled.push(digest);
    const bytes = all.find((bytes) => digest === nameOf(bytes, isChecksum(digest) ? byChecksum : bySha256))!;
    const into = room!(bytes.length);
    into.set(bytes);
    return into;
  };
  return { pull, pulled };
}

const encoded = encode("int8", change, 3).bytes;

describe.each([
  ["SHA-256", bySha256],
  ["a checksum", byChecksum],
] as const)("named by %s", (_, newNaming) => {
  const named = (data: ArrayBufferView) => nameOf(data, newNaming);
  const names = { before: named(before), after: named(after), encoded: named(encoded) };
  const change1 = { baseDigest: names.before, digest: names.encoded };

  test("parameters that are held are moved by a change, where they lie: in memory that threads share", async () => {
    const { pull, pulled } = blobs(bytesOf(before), encoded);
    const base = new WeightsBase("int8", pull);
    const held = await base.values(names.before, null, "segmenter");
    expect(held.buffer).toBeInstanceOf(SharedArrayBuffer);
    const moved = await base.values(names.after, change1, "segmenter");
    expect(moved).toEqual(after);
    expect([moved.buffer, moved.byteOffset]).toEqual([held.buffer, held.byteOffset]);
    expect(pulled).toEqual([names.before, names.encoded]);
  });

  test("those of another kind of model do not come in between", async () => {
    const { pull, pulled } = blobs(bytesOf(before), bytesOf(change), encoded);
    const base = new WeightsBase("int8", pull);
    await base.values(names.before, null, "segmenter");
    const other = await base.values(named(change), null, "classifier");
    expect(await base.values(names.after, change1, "segmenter")).toEqual(after);
    expect(other).toEqual(change);
    expect(pulled).toEqual([names.before, named(change), names.encoded]);
  });

  test("whoever has others, or none, pulls them whole", async () => {
    const { pull, pulled } = blobs(bytesOf(after), bytesOf(change), encoded);
    const base = new WeightsBase("int8", pull);
    expect(await base.values(names.after, change1, "segmenter")).toEqual(after);
    await base.values(named(change), null, "segmenter");
    expect(await base.values(names.after, change1, "segmenter")).toEqual(after);
    expect(pulled).not.toContain(names.encoded);
  });

  test("a change that does not lead to what was named is not believed", async () => {
    const [longer, wrong] = [encode("int8", new Float32Array(9), 9).bytes, encode("int8", after, 3).bytes];
    for (const bytes of [longer, wrong]) {
      const { pull, pulled } = blobs(bytesOf(before), bytesOf(after), bytes, encoded);
      const base = new WeightsBase("int8", pull);
      await base.values(names.before, null, "segmenter");
      const lie = { baseDigest: names.before, digest: named(bytes) };
      expect(await base.values(names.after, lie, "segmenter")).toEqual(after);
      expect(pulled).toEqual([names.before, named(bytes), names.after]);
    }
  });

  test("what a change that broke has left of them is not moved again", async () => {
    const { pull, pulled } = blobs(bytesOf(before), bytesOf(after), encoded);
    let breaks = false;
    const base = new WeightsBase("int8", async (digest, room) => {
      const bytes = await pull(digest, room);
      if (breaks) throw new AppError("DIGEST_MISMATCH", "broken");
      return bytes;
    });
    await base.values(names.before, null, "segmenter");
    breaks = true;
    await expect(base.values(names.after, change1, "segmenter")).rejects.toMatchObject({ code: "DIGEST_MISMATCH" });
    breaks = false;
    expect(await base.values(names.after, change1, "segmenter")).toEqual(after);
    expect(pulled.at(-1)).toBe(names.after);
  });
});

test("as f32 they come to memory that threads share, the same for every step of a kind of model", async () => {
  const [small, large] = [bytesOf(before), bytesOf(Float32Array.of(1, 2, 3, 4))];
  const rooms: Uint8Array[] = [];
  const base = new WeightsBase("f32", async (digest, room) => {
    const bytes = digest === "large" ? large : small;
    rooms.push(room!(bytes.length));
    rooms.at(-1)!.set(bytes);
    return rooms.at(-1)!;
  });
  const asked = [
    ["small", "segmenter"],
    ["small", "segmenter"],
    ["small", "classifier"],
    ["large", "segmenter"],
  ] as const;
  for (const [digest, model] of asked) {
    const values = await base.values(digest, null, model);
    expect(values).toEqual(digest === "large" ? Float32Array.of(1, 2, 3, 4) : before);
    expect(values.buffer).toBeInstanceOf(SharedArrayBuffer);
  }
  expect(rooms[1]).toBe(rooms[0]);
  expect(new Set(rooms).size).toBe(3);
});
