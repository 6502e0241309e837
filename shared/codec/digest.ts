import { createHash } from "node:crypto";
import { AppError } from "../errors.js";

/** SHA-256 as lower-case hex: the name of every blob (image, weights, gradient sum, label pack). */
export type Digest = string;

export function sha256(bytes: Uint8Array): Digest {
  return createHash("sha256").update(bytes).digest("hex");
}

/** A view of the array's bytes, without a copy. */
export function bytesOf(array: ArrayBufferView): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

/** Little-endian f32 bytes -> Float32Array. Copies only when the bytes are not 4-byte aligned (protobuf's are not). @throws AppError DIGEST_MISMATCH */
export function float32Of(bytes: Uint8Array): Float32Array {
  if (bytes.byteLength % 4 !== 0) {
    throw new AppError(
      "DIGEST_MISMATCH",
      `${bytes.byteLength} bytes are no float32 numbers: the length is no multiple of 4`,
    );
  }
  if (bytes.byteOffset % 4 === 0) return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
  // Not bytes.slice(): a Buffer's is a view of the same memory.
  return new Float32Array(Uint8Array.from(bytes).buffer);
}
