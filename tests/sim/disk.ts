/**
 * The run's folder. What a process wrote is visible at once and safe when it is flushed; a power cut keeps of the rest
 * the old bytes, the new ones, or a torn piece. Writing is the sequence of adapters/files.ts: draft, flush, rename, flush.
 */
import type { Process, World } from "./world.js";

interface SimFile {
  readonly visible: string | null;
  /** What survives a power cut for certain. */
  readonly safe: string | null;
  /** The bytes of `visible` are on the disk; only the rename may be undone. */
  readonly isFlushed: boolean;
}

export interface DiskFaults {
  /** Planted bug: rename without flushing the draft first. */
  readonly skipsFlush: boolean;
  /** Longest flush, milliseconds. */
  readonly flushMsMax: number;
}

export class SimDisk {
  private readonly files = new Map<string, SimFile>();

  constructor(
    private readonly world: World,
    private readonly faults: DiskFaults,
  ) {}

  /** `done` is called when the bytes are safe. */
  writeDurably(by: Process, path: string, bytes: string, done: () => void): void {
    const wait = () => this.world.rng.uniform(0, this.faults.flushMsMax);
    if (this.faults.skipsFlush) {
      this.set(path, bytes, false);
      this.world.after(wait(), by, done);
      // The system writes it back on its own, half a minute later.
      this.world.after(30_000, null, () => this.settle(path, bytes));
      return;
    }
    this.world.after(wait(), by, () => {
      this.set(path, bytes, true);
      this.world.after(wait(), by, () => {
        this.settle(path, bytes);
        done();
      });
    });
  }

  /** Creates a file that must not be there yet, as open(2) with O_EXCL does; `done` when it is safe. */
  createExclusive(by: Process, path: string, bytes: string, done: () => void): boolean {
    if (this.files.has(path)) return false;
    this.set(path, bytes, true);
    this.world.after(this.world.rng.uniform(0, this.faults.flushMsMax), by, () => {
      this.settle(path, bytes);
      done();
    });
    return true;
  }

  read(path: string): string | null {
    return this.files.get(path)?.visible ?? null;
  }

  list(prefix: string): string[] {
    return [...this.files.keys()].filter((path) => path.startsWith(prefix) && this.read(path) !== null).sort();
  }

  remove(path: string): void {
    this.files.delete(path);
  }

  /** Everything unsafe becomes old, new or torn. */
  powerCut(): void {
    for (const [path, file] of this.files) {
      if (file.visible === file.safe) continue;
      const survivor = this.survivor(file);
      if (survivor === null) this.files.delete(path);
      else this.files.set(path, { visible: survivor, safe: survivor, isFlushed: true });
    }
  }

  private survivor({ visible, safe, isFlushed }: SimFile): string | null {
    const fate = this.world.rng.integer(isFlushed ? 2 : 3);
    if (fate === 0) return safe;
    if (fate === 1) return visible;
    return visible!.slice(0, this.world.rng.integer(visible!.length));
  }

  private set(path: string, visible: string, isFlushed: boolean): void {
    this.files.set(path, { visible, safe: this.files.get(path)?.safe ?? null, isFlushed });
  }

  private settle(path: string, bytes: string): void {
    const file = this.files.get(path);
    if (file?.visible === bytes) this.files.set(path, { visible: bytes, safe: bytes, isFlushed: true });
  }
}
