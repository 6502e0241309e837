/**
 * What a step does to the parameters, as it travels (`cluster.wire` bf16, int8): they move by a rounded change, in every
 * copy alike, so that whoever has those of the step before needs no more than it.
 */
import { changeRoundingOf, type RoundChange, type StageRounding } from "../math/rounding.js";
import { byteOffset, decodeRange, encode, type Wire } from "../math/wire.js";
import { pageFloats, pagesOf } from "./floats.js";

type RoundedWire = Exclude<Wire, "f32">;

export class WeightChange {
  private readonly before = new Float32Array(pageFloats);
  private round: RoundChange = () => undefined;

  /** `bytes`: where the encoded change is put; null: nobody wants it. */
  private constructor(
    private readonly wire: RoundedWire,
    private readonly key: StageRounding,
    private readonly count: number,
    readonly bytes: Uint8Array | null,
  ) {}

  /** Of `count` parameters. Null: they move as the optimiser says. */
  static of(key: StageRounding | null, count: number, isOffered: boolean): WeightChange | null {
    const wire = key?.wire ?? "f32";
    if (!key || wire === "f32") return null;
    return new WeightChange(wire, key, count, isOffered ? new Uint8Array(byteOffset(wire, count, count)) : null);
  }

  begin(step: number): void {
    this.round = changeRoundingOf(this.wire, { ...this.key, step });
  }

  /** Parameters of a page, before it moves. */
  note(page: Float32Array): void {
    this.before.set(page);
  }

  /** The noted page has moved, to where the optimiser wants it. `at`: of its first parameter. */
  settle(page: Float32Array, at: number): void {
    const change = this.before.subarray(0, page.length);
    for (let i = 0; i < page.length; i++) {
      const from = change[i]!;
      change[i] = page[i]! - from;
      page[i] = from;
    }
    this.round(change, at);
    for (let i = 0; i < page.length; i++) page[i] = page[i]! + change[i]!;
    this.bytes?.set(encode(this.wire, change, change.length).bytes, byteOffset(this.wire, this.count, at));
  }
}

/** The parameters that `bytes` lead to; `values` stay as they are. */
export function changed(values: Float32Array, wire: Wire, bytes: Uint8Array): Float32Array {
  const next = new Float32Array(values.length);
  const encoded = { wire, body: values.length, length: values.length, bytes };
  for (const [at, end] of pagesOf(values.length)) {
    const page = next.subarray(at, end);
    decodeRange(encoded, at, end, page);
    for (let i = 0; i < page.length; i++) page[i] = values[at + i]! + page[i]!;
  }
  return next;
}

/** How long an encoded change of so many parameters is. */
export function changeBytes(wire: Wire, count: number): number {
  return byteOffset(wire, count, count);
}
