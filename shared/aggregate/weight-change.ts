/**
 * What a step does to the parameters, as it travels (`cluster.wire` bf16, int8): they move by a rounded change, in every
 * copy alike, so that whoever has those of the step before needs no more than it.
 */
import { assert } from "../assert.js";
import { changeKeyOf, type StageRounding } from "../math/rounding.js";
import { byteOffset, type Wire } from "../math/wire.js";
import { addPacked, formats, type Heard, moveRounded } from "../math/wire-kernels.js";

export class WeightChange {
  private key = 0;

  private constructor(
    private readonly wire: keyof typeof formats,
    private readonly rounding: StageRounding,
    /** Where the encoded change is put; null: nobody wants it. */
    readonly bytes: Uint8Array | null,
  ) {}

  /** Of `count` parameters. Null: they move as the optimiser says. */
  static of(rounding: StageRounding | null, count: number, isOffered: boolean): WeightChange | null {
    const wire = rounding?.wire ?? "f32";
    if (!rounding || wire === "f32") return null;
    return new WeightChange(wire, rounding, isOffered ? new Uint8Array(changeBytes(wire, count)) : null);
  }

  begin(step: number): void {
    this.key = changeKeyOf({ ...this.rounding, step });
  }

  /** `move` tells where the optimiser wants a block of the parameters. False: nowhere. `first`: of its parameters. */
  moving(block: Float32Array, first: number, move: (moved: Float32Array) => boolean): boolean {
    const target = this.part(first, block.length);
    return moveRounded(formats[this.wire], block, move, { first, key: this.key }, target);
  }

  /** The encoded change of so many parameters. Null: nobody wants it. */
  part(first: number, count: number): Uint8Array | null {
    const { bytes } = formats[this.wire];
    return this.bytes?.subarray(bytes(first), bytes(first + count)) ?? null;
  }
}

/** `values` become the parameters that `bytes` lead to. `moved` hears of each block of them, in order. */
export function applyChange(values: Float32Array, wire: Wire, bytes: Uint8Array, moved: Heard<Float32Array>): void {
  assert(wire !== "f32", "f32 parameters travel whole");
  addPacked(formats[wire], values, bytes, moved);
}

/** How long an encoded change of so many parameters is. */
export function changeBytes(wire: Wire, count: number): number {
  return byteOffset(wire, count, count);
}
