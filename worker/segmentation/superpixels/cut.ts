/** Superpixels as configured, and a memory of those of the training images: a photo is cut once, not at every step. */
import type { MethodConfig } from "../../../shared/config/method.js";
import { felzenszwalb } from "./felzenszwalb.js";
import { slic } from "./slic.js";
import type { Superpixels } from "./superpixels.js";

/** `scale` > 1 cuts more coarsely: regions about that many times as large. */
export function cutPhoto(
  pixels: Uint8Array,
  size: number,
  config: MethodConfig["superpixels"],
  scale = 1,
): Superpixels {
  if (config.method === "slic") {
    const count = Math.max(1, Math.round(config.count / scale));
    return slic(pixels, size, size, { count, compactness: config.compactness });
  }
  const { sigma, k, minShare } = config;
  const minSize = Math.round(minShare * size * size * scale);
  return felzenszwalb(pixels, size, size, { sigma, k: k * scale, minSize });
}

/** 64 MiB of region maps: 256 photos of 256 x 256 pixels. */
const pixelsMax = 16 * 1024 * 1024;

/** Keyed by the image's index in the training split. What it holds has no part in any result. */
export class SuperpixelCache {
  private readonly known = new Map<number, Superpixels>();
  private pixels = 0;

  constructor(private readonly config: MethodConfig["superpixels"]) {}

  of(image: number, photo: Uint8Array, size: number): Superpixels {
    const held = this.known.get(image);
    if (held) return held;
    const cut = cutPhoto(photo, size, this.config);
    this.pixels += cut.regions.length;
    this.known.set(image, cut);
    for (const [oldest, { regions }] of this.known) {
      if (this.pixels <= pixelsMax || oldest === image) break;
      this.known.delete(oldest);
      this.pixels -= regions.length;
    }
    return cut;
  }
}
