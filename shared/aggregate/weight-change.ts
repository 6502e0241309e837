/**
 * What a step does to the parameters, as it travels (`cluster.wire` bf16, int8): they move by a rounded change, in every
 * copy alike, so that whoever has those of the step before needs no more than it.
 */
import { assert } from "../assert.js";
import { changeKeyOf, type StageRounding } from "../math/rounding.js";
import { byteOffset, type Wire } from "../math/wire.js";
import { addPacked, formats, moveRounded } from "../math/wire-kernels.js";

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
    const format = formats[this.wire];
    const target = this.bytes?.subarray(format.bytes(first), format.bytes(first + block.length)) ?? null;
    return moveRounded(format, block, move, { first, key: this.key }, target);
  }
}

/** The parameters that `bytes` lead to; `values` stay as they are. */
export function changed(values: Float32Array, wire: Wire, bytes: Uint8Array): Float32Array {
  assert(wire !== "f32", "f32 parameters travel whole");
  return addPacked(formats[wire], values, bytes);
}

/** How long an encoded change of so many parameters is. */
export function changeBytes(wire: Wire, count: number): number {
  return byteOffset(wire, count, count);
}
