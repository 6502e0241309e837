/** The gallery's pictures, encoded: photos small, maps as colours that are transparent where there is nothing. */
import sharp from "sharp";
import type { ByteMap } from "../../shared/codec/map-pack.js";
import { decodeUpright } from "../../shared/data/decode.js";
import { BACKGROUND, IGNORE } from "../../shared/data/manifest.js";
import { colorMap, overlayColor } from "../../shared/data/overlay.js";

/** Longest sides, pixels: sharp at a cell's 180 CSS pixels on most screens, and as large as a window. */
const photoSides = { thumb: 280, full: 1600 } as const;
export type PhotoSize = keyof typeof photoSides;

export async function photoPicture(bytes: Uint8Array, size: PhotoSize): Promise<Buffer> {
  const { rgb, width, height } = await decodeUpright(bytes, { maxSide: photoSides[size] });
  return sharp(rgb, { raw: { width, height, channels: 3 } })
    .webp({ quality: size === "thumb" ? 72 : 88, effort: 2 })
    .toBuffer();
}

/** Class colours, opaque; ignored pixels in stripes; the background transparent. */
export function labelPicture({ data, width, height }: ByteMap): Promise<Buffer> {
  const rgba = new Uint8Array(width * height * 4);
  for (let i = 0; i < data.length; i++) {
    const label = data[i]!;
    if (label === BACKGROUND) continue;
    const [x, y] = [i % width, Math.floor(i / width)];
    rgba.set(overlayColor(label), i * 4);
    rgba[i * 4 + 3] = label === IGNORE && (x + y) % 6 >= 2 ? 60 : 255;
  }
  return encode(rgba, width, height, true);
}

/** The strongest of the tags' activations, as heat: no photo shows through where it is hot. */
export function heatPicture({ data, width, height, channels }: ByteMap): Promise<Buffer> {
  const strongest = new Uint8Array(width * height);
  for (let i = 0; i < data.length; i++) {
    const pixel = Math.floor(i / channels);
    strongest[pixel] = Math.max(strongest[pixel]!, data[i]!);
  }
  const rgb = colorMap(strongest);
  const rgba = new Uint8Array(width * height * 4).fill(255);
  for (let i = 0; i < strongest.length; i++) rgba.set(rgb.subarray(i * 3, i * 3 + 3), i * 4);
  return encode(rgba, width, height, false);
}

function encode(rgba: Uint8Array, width: number, height: number, lossless: boolean): Promise<Buffer> {
  return sharp(rgba, { raw: { width, height, channels: 4 } })
    .webp({ lossless, quality: 80, effort: 1 })
    .toBuffer();
}
