/**
 * Photos as the method wants them: decoded, upright, square, 8-bit. Decoded once and kept in shared memory, so that
 * handing one to the compute thread copies nothing; kept on disk as well, where what memory could not hold is read again.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Digest, sha256 } from "../../shared/codec/digest.js";
import { decodeSquare } from "../../shared/data/decode.js";
import type { ImageEntry, Manifest, Split, SplitName } from "../../shared/data/manifest.js";
import { AppError } from "../../shared/errors.js";

/** Decoded photos beyond memory, by the digest of the photo's bytes. Only ever a matter of speed: it neither fails nor waits. */
export interface KeptPixels {
  /** RGB, [side, side, 3], in shared memory: what was put, to the bit; or null. */
  get(digest: Digest, side: number): Promise<Uint8Array | null>;
  put(digest: Digest, side: number, pixels: Uint8Array): void;
}

export interface ImageStoreOptions {
  readonly manifest: Manifest;
  /** Side of the square, pixels. */
  readonly imageSize: number;
  /** Folder on this machine that may hold the same photos under the same relative paths, or null. */
  readonly localDir: string | null;
  /** Where a photo comes from when it is not in `localDir`. */
  readonly fetch: (entry: ImageEntry) => Promise<Uint8Array>;
  /** Decoded photos held, bytes. */
  readonly memoryBytesMax: number;
  /** Where they are besides, or null. */
  readonly kept: KeptPixels | null;
}

export class ImageStore {
  /** In order of use: the first is the next to go. */
  private readonly held = new Map<string, Promise<Uint8Array>>();

  constructor(private readonly options: ImageStoreOptions) {}

  entry(split: SplitName, image: number): ImageEntry {
    return this.split(split).images[image]!;
  }

  split(name: SplitName): Split {
    const split = this.options.manifest[name];
    if (!split) throw new AppError("MESSAGE_INVALID", `the manifest has no ${name} split`);
    return split;
  }

  /** RGB, [S, S, 3], in shared memory. */
  pixels(split: SplitName, image: number): Promise<Uint8Array> {
    const entry = this.entry(split, image);
    const known = this.held.get(entry.digest);
    const pixels = known ?? this.load(entry);
    this.held.delete(entry.digest);
    this.held.set(entry.digest, pixels);
    if (!known) pixels.catch(() => this.held.delete(entry.digest));
    this.evict();
    return pixels;
  }

  /** Begins to load photos that will be wanted in this order; no more than are held, or the first would be gone by then. */
  loadAhead(split: SplitName, images: readonly number[]): void {
    for (const image of images.slice(0, this.countMax())) this.pixels(split, image).catch(() => undefined);
  }

  private async load(entry: ImageEntry): Promise<Uint8Array> {
    const { imageSize, kept, fetch } = this.options;
    const known = await kept?.get(entry.digest, imageSize);
    if (known) return known;
    const bytes = (await this.local(entry)) ?? (await fetch(entry));
    const decoded = await decodeSquare(bytes, imageSize);
    kept?.put(entry.digest, imageSize, decoded);
    return decoded;
  }

  /** The file of the same name, if its bytes are the same. */
  private async local(entry: ImageEntry): Promise<Uint8Array | null> {
    if (this.options.localDir === null) return null;
    const bytes = await readFile(join(this.options.localDir, entry.path)).catch(() => null);
    return bytes && sha256(bytes) === entry.digest ? bytes : null;
  }

  private countMax(): number {
    return Math.max(1, Math.floor(this.options.memoryBytesMax / (3 * this.options.imageSize ** 2)));
  }

  private evict(): void {
    const countMax = this.countMax();
    for (const digest of this.held.keys()) {
      if (this.held.size <= countMax) return;
      this.held.delete(digest);
    }
  }
}
