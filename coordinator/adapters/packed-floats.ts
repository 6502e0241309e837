/**
 * A rounded sum that lies as it has travelled (`cluster.wire` bf16, int8). Its pages are decoded when they are wanted: a half or a
 * quarter of the numbers goes through memory, and who works on a page finds it in the cache.
 */
import type { Floats } from "../../shared/aggregate/floats.js";
import { decodeRange, type Encoded, encodeRange } from "../../shared/math/wire.js";

export class PackedFloats implements Floats {
  constructor(
    private readonly encoded: Encoded,
    /** As long as a page. */
    private readonly room: Float32Array,
    private readonly onClose: () => unknown,
  ) {}

  get length(): number {
    return this.encoded.length;
  }

  async page(at: number, end: number): Promise<Float32Array> {
    const page = this.room.subarray(0, end - at);
    decodeRange(this.encoded, at, end, page);
    return page;
  }

  /** Rounded: nothing is lost. */
  async put(at: number, page: Float32Array): Promise<void> {
    encodeRange(this.encoded, at, page);
  }

  async close(): Promise<void> {
    await this.onClose();
  }
}
