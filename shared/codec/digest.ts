import { createHash } from "node:crypto";

/** SHA-256 as lower-case hex: the name of every blob (image, weights, gradient sum, label pack). */
export type Digest = string;

export function sha256(bytes: Uint8Array): Digest {
  return createHash("sha256").update(bytes).digest("hex");
}

/** A view of the array's bytes, without a copy. */
export function bytesOf(array: ArrayBufferView): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

/** Little-endian f32 bytes -> Float32Array. Copies only when the bytes are not 4-byte aligned (protobuf's are not). */
export function float32Of(bytes: Uint8Array): Float32Array {
  if (bytes.byteOffset % 4 === 0) return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
  // Not bytes.slice(): a Buffer's is a view of the same memory.
  return new Float32Array(Uint8Array.from(bytes).buffer);
}
