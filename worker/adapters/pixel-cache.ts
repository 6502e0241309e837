/** Decoded photos on the worker's disk: read instead of decoded, by this worker, the next one, and others beside it. */
import { rm } from "node:fs/promises";
import { type Digest, sha256 } from "../../shared/codec/digest.js";
import { squareDecoder } from "../../shared/data/decode.js";
import { pixelsInUseMs } from "../../shared/limits.js";
import type { KeptPixels } from "../data/image-store.js";
import { pixelName, pixelPath, readPixels } from "./pixel-file.js";
import type { PixelWriter } from "./pixel-writer.js";

/** Not in pixel-file.ts: the thread that writes would load sharp for it. */
export const decoderTag = sha256(Buffer.from(squareDecoder)).slice(0, 12);
/** Far more often than what is in use would count as idle. */
const touchMs = pixelsInUseMs / 4;

export class PixelCache implements KeptPixels {
  /** When each was last said to be in use. */
  private readonly touchedMs = new Map<string, number>();

  constructor(
    private readonly dir: string,
    private readonly writer: PixelWriter,
    private readonly nowMs: () => number,
  ) {}

  /** A damaged file is deleted and counts as missing. */
  async get(digest: Digest, side: number): Promise<Uint8Array | null> {
    this.writer.start();
    const name = pixelName(digest, side, decoderTag);
    const path = pixelPath(this.dir, name);
    const pixels = await readPixels(path, name, side);
    if (pixels === "damaged") await rm(path, { force: true }).catch(() => undefined);
    if (pixels === null || pixels === "damaged") return null;
    this.touch(name);
    return pixels;
  }

  put(digest: Digest, side: number, pixels: Uint8Array): void {
    const name = pixelName(digest, side, decoderTag);
    this.touchedMs.set(name, this.nowMs());
    this.writer.write(name, pixels);
  }

  private touch(name: string): void {
    const nowMs = this.nowMs();
    if (nowMs - (this.touchedMs.get(name) ?? Number.NEGATIVE_INFINITY) < touchMs) return;
    this.touchedMs.set(name, nowMs);
    this.writer.touch(name);
  }
}
