/**
 * Names for sums, parameters and their changes that are new with every step, where nobody compares what two workers have sent
 * (`cluster.audit`): a checksum finds what has been damaged on its way in less time than SHA-256 takes. Against somebody who wants to
 * be believed it is no proof, so that it never names what stays.
 */
import { createHash } from "node:crypto";
import { Checksum } from "../math/vectors.js";
import { bytesOf, type Digest, sha256 } from "./digest.js";

/** No SHA-256 begins like that. */
const prefix = "sum-";

/** Makes the name of bytes while they come, or are made. */
export interface Naming {
  update(data: Uint8Array): unknown;
  /** Of all of them; once. */
  digest(encoding: "hex"): Digest;
}

class ChecksumNaming implements Naming {
  private readonly checksum = new Checksum();

  update(data: Uint8Array): void {
    this.checksum.add(data);
  }

  digest(): Digest {
    return `${prefix}${agreementDigest(this.checksum)}`;
  }
}

/** Names what has this checksum among those who only have to agree: no blob has this name. */
export function agreementDigest({ bytes, length }: Checksum): Digest {
  return sha256(Buffer.concat([bytes, Buffer.from(String(length))]));
}

export function isChecksum(digest: Digest): boolean {
  return digest.startsWith(prefix);
}

/** How what only the next step needs is named. */
export type NewNaming = () => Naming;

export const byChecksum: NewNaming = () => new ChecksumNaming();
export const bySha256: NewNaming = () => createHash("sha256");

/** As the bytes of this name were named. */
export function namingOf(digest: Digest): Naming {
  return isChecksum(digest) ? byChecksum() : bySha256();
}

export function nameOf(data: ArrayBufferView, newNaming: NewNaming): Digest {
  const naming = newNaming();
  naming.update(bytesOf(data));
  return naming.digest("hex");
}
