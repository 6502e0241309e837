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
  await base.values(digestOf(before), null);
  expect(await base.values(digestOf(after), change1)).toEqual(after);
  expect(pulled).toEqual([digestOf(before), sha256(encoded)]);
});

test("whoever has others, or none, pulls them whole", async () => {
  const { pull, pulled } = blobs(bytesOf(after), bytesOf(change), encoded);
  const base = new WeightsBase("int8", pull);
  expect(await base.values(digestOf(after), change1)).toEqual(after);
  await base.values(digestOf(change), null);
  expect(await base.values(digestOf(after), change1)).toEqual(after);
  expect(pulled).not.toContain(sha256(encoded));
});

test("a change that does not lead to what was named is not believed", async () => {
  const [longer, wrong] = [encode("int8", new Float32Array(9), 9).bytes, encode("int8", after, 3).bytes];
  for (const bytes of [longer, wrong]) {
    const { pull } = blobs(bytesOf(before), bytesOf(after), bytes);
    const base = new WeightsBase("int8", pull);
    await base.values(digestOf(before), null);
    const lie = { baseDigest: digestOf(before), digest: sha256(bytes) };
    expect(await base.values(digestOf(after), lie)).toEqual(after);
  }
});
