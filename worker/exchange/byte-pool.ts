/** Memory of one step for the next: fresh pages of tens of megabytes cost as much as what is done with them. */
export class BytePool {
  private free: Uint8Array[] = [];
  private heldBytes = 0;

  constructor(
    /** Bytes that are kept while nobody uses them. */
    private readonly heldBytesMax: number,
    private readonly make: (length: number) => Uint8Array = (length) => new Uint8Array(length),
  ) {}

  /** Whatever is in it must be overwritten. */
  take(length: number): Uint8Array {
    const at = this.free.findIndex((bytes) => bytes.length === length);
    if (at < 0) return this.make(length);
    this.heldBytes -= length;
    return this.free.splice(at, 1)[0]!;
  }

  /** Nobody reads it any more. Those that have waited longest make room. */
  give(bytes: Uint8Array): void {
    this.free.push(bytes);
    this.heldBytes += bytes.length;
    while (this.heldBytes > this.heldBytesMax) this.heldBytes -= this.free.shift()!.length;
  }
}
