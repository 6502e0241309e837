/**
 * Names for sums and parameters that are new with every step, where nobody compares what two workers have sent (`cluster.audit`): a
 * checksum finds what has been damaged on its way in less time than SHA-256 takes. Against somebody who wants to be believed it is
 * no proof, so that it never names what stays.
 */
import { AppError } from "../errors.js";
import { checksumOf } from "../math/vectors.js";
import { bytesOf, type Digest, float32Of, sha256 } from "./digest.js";

/** No SHA-256 begins like that. */
const prefix = "sum-";

/** Names so many numbers with these checksum's bytes among those who only have to agree: no blob has this name. */
export function agreementDigest(checksum: Uint8Array, count: number): Digest {
  return sha256(Buffer.concat([checksum, Buffer.from(String(count))]));
}

export function checksumDigest(values: Float32Array): Digest {
  return `${prefix}${agreementDigest(checksumOf(values), values.length)}`;
}

export function isChecksum(digest: Digest): boolean {
  return digest.startsWith(prefix);
}

/** Of f32 numbers. @throws AppError DIGEST_MISMATCH when the name is a checksum, of others */
export function requireChecksum(digest: Digest, bytes: Uint8Array): void {
  if (!isChecksum(digest)) return;
  const actual = checksumDigest(float32Of(bytes));
  if (actual !== digest)
    throw new AppError("DIGEST_MISMATCH", `blob ${digest} arrived as ${actual} (${bytes.length} bytes)`);
}

/** What a model's parameters, or a sum, are called. */
export type NameNumbers = (values: Float32Array) => Digest;

export const sha256Name: NameNumbers = (values) => sha256(bytesOf(values));
