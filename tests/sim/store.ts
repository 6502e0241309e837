/** The broker's key-value bucket as the leases use it: revisions that only grow, lifetimes, restarts, total loss. */
import type { World } from "./world.js";

export interface StoredEntry {
  readonly value: string;
  readonly revision: number;
  readonly expiresAtMs: number;
}

export type WriteResult =
  | { readonly kind: "written"; readonly revision: number; readonly generation: number }
  | { readonly kind: "conflict" };

export class SimStore {
  /** The bucket's creation time: which incarnation of the store a revision belongs to. */
  generation = 1;
  private revision = 0;
  private readonly entries = new Map<string, StoredEntry>();
  onPut: (key: string) => void = () => undefined;

  constructor(
    private readonly world: World,
    private readonly ttlMs: number,
  ) {}

  get(key: string): StoredEntry | null {
    const entry = this.entries.get(key);
    if (!entry) return null;
    if (entry.expiresAtMs > this.world.nowMs) return entry;
    this.entries.delete(key);
    return null;
  }

  create(key: string, value: string): WriteResult {
    return this.get(key) ? { kind: "conflict" } : this.put(key, value);
  }

  update(key: string, value: string, revision: number): WriteResult {
    return this.get(key)?.revision === revision ? this.put(key, value) : { kind: "conflict" };
  }

  delete(key: string, revision: number): void {
    if (this.get(key)?.revision === revision) this.entries.delete(key);
  }

  /** The broker comes back with an empty disk. */
  wipe(): void {
    this.generation++;
    this.revision = 0;
    this.entries.clear();
  }

  private put(key: string, value: string): WriteResult {
    const revision = ++this.revision;
    this.entries.set(key, { value, revision, expiresAtMs: this.world.nowMs + this.ttlMs });
    this.onPut(key);
    return { kind: "written", revision, generation: this.generation };
  }
}
