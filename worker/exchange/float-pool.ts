/** Memory of one step for the next: fresh pages of tens of megabytes cost as much as what is done with them. */
export class FloatPool {
  private free: Float32Array[] = [];
  private heldFloats = 0;

  constructor(
    /** Numbers that are kept while nobody uses them. */
    private readonly heldFloatsMax: number,
    private readonly make: (length: number) => Float32Array = (length) => new Float32Array(length),
  ) {}

  /** Whatever is in it must be overwritten. */
  take(length: number): Float32Array {
    const at = this.free.findIndex((array) => array.length === length);
    if (at < 0) return this.make(length);
    this.heldFloats -= length;
    return this.free.splice(at, 1)[0]!;
  }

  /** Nobody reads it any more. Those that have waited longest make room. */
  give(array: Float32Array): void {
    this.free.push(array);
    this.heldFloats += array.length;
    while (this.heldFloats > this.heldFloatsMax) this.heldFloats -= this.free.shift()!.length;
  }
}
