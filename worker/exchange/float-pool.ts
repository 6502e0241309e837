/** Memory of one step for the next: fresh pages of tens of megabytes cost as much as what is done with them. */
export class FloatPool {
  private free: Float32Array[] = [];

  constructor(
    /** Arrays that are kept while nobody uses them. */
    private readonly heldMax: number,
  ) {}

  /** Whatever is in it must be overwritten. */
  take(length: number): Float32Array {
    const at = this.free.findIndex((array) => array.length === length);
    return at < 0 ? new Float32Array(length) : this.free.splice(at, 1)[0]!;
  }

  /** Nobody reads it any more. Those that have waited longest make room. */
  give(array: Float32Array): void {
    this.free.push(array);
    if (this.free.length > this.heldMax) this.free.shift();
  }

  clear(): void {
    this.free = [];
  }
}
