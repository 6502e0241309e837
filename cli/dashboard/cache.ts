/** Keeps what was asked for last, up to a number of bytes; concurrent askers share one computation. */
export class BytesCache<T> {
  private readonly entries = new Map<string, { readonly value: Promise<T>; bytes: number }>();
  private total = 0;

  constructor(
    private readonly bytesMax: number,
    private readonly bytesOf: (value: T) => number,
  ) {}

  get(key: string, make: () => Promise<T>): Promise<T> {
    const held = this.entries.get(key);
    if (held) {
      // The order of insertion is the order of use.
      this.entries.delete(key);
      this.entries.set(key, held);
      return held.value;
    }
    const entry = { value: make(), bytes: 0 };
    this.entries.set(key, entry);
    entry.value.then(
      (value) => this.charge(key, entry, this.bytesOf(value)),
      () => this.entries.delete(key),
    );
    return entry.value;
  }

  private charge(key: string, entry: { bytes: number }, bytes: number): void {
    if (this.entries.get(key) !== entry) return;
    entry.bytes = bytes;
    this.total += bytes;
    for (const [oldest, { bytes: freed }] of this.entries) {
      if (this.total <= this.bytesMax || oldest === key) break;
      this.entries.delete(oldest);
      this.total -= freed;
    }
  }
}
