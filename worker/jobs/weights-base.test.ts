import { expect, test } from "vitest";
import { bytesOf, sha256 } from "../../shared/codec/digest.js";
import { encode } from "../../shared/math/wire.js";
import { WeightsBase } from "./weights-base.js";

const before = Float32Array.of(1, 2, 3);
const change = Float32Array.of(0.5, 0, -0.25);
const after = Float32Array.of(1.5, 2, 2.75);

/** Blobs by their digest, and which of them were pulled. */
function blobs(...all: Uint8Array[]) {
  const pulled: string[] = [];
  const pull = async (digest: string) => {
    pulled.push(digest);
    return all.find((bytes) => sha256(bytes) === digest)!;
  };
  return { pull, pulled };
}

const digestOf = (values: Float32Array) => sha256(bytesOf(values));
const encoded = encode("int8", change, 3).bytes;
const change1 = { baseDigest: digestOf(before), digest: sha256(encoded) };

test("parameters that are held are moved by a change", async () => {
  const { pull, pulled } = blobs(bytesOf(before), encoded);
  const base = new WeightsBase("int8", pull);
  await base.values(digestOf(before), null, "segmenter");
  expect(await base.values(digestOf(after), change1, "segmenter")).toEqual(after);
  expect(pulled).toEqual([digestOf(before), sha256(encoded)]);
});

test("whoever has others, or none, pulls them whole", async () => {
  const { pull, pulled } = blobs(bytesOf(after), bytesOf(change), encoded);
  const base = new WeightsBase("int8", pull);
  expect(await base.values(digestOf(after), change1, "segmenter")).toEqual(after);
  await base.values(digestOf(change), null, "segmenter");
  expect(await base.values(digestOf(after), change1, "segmenter")).toEqual(after);
  expect(pulled).not.toContain(sha256(encoded));
});

test("a change that does not lead to what was named is not believed", async () => {
  const [longer, wrong] = [encode("int8", new Float32Array(9), 9).bytes, encode("int8", after, 3).bytes];
  for (const bytes of [longer, wrong]) {
    const { pull } = blobs(bytesOf(before), bytesOf(after), bytes);
    const base = new WeightsBase("int8", pull);
    await base.values(digestOf(before), null, "segmenter");
    const lie = { baseDigest: digestOf(before), digest: sha256(bytes) };
    expect(await base.values(digestOf(after), lie, "segmenter")).toEqual(after);
  }
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
