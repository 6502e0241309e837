/**
 * Photo bytes -> pixels, one way for everybody: what the indexer accepts is what every worker can decode, to the same
 * pixels. Rotates by EXIF, turns CMYK, grey and 16-bit into 8-bit sRGB, puts transparent pixels on mid-grey.
 * libvips rounds its filters the same everywhere it runs the same version; a cluster should run one version.
 */
import sharp, { type Sharp } from "sharp";
import { AppError } from "../errors.js";
import { photoPixelsMax } from "../limits.js";
import { squarePlainJpeg } from "./jpeg.js";
import { type Picture, resampleToSquare } from "./resample.js";

/** What libvips remembers of its operations is of no use where no photo is decoded twice: a tenth of the processor time. */
sharp.cache(false);

/**
 * Names the pixels that decodeSquare makes: with another libvips, on another kind of processor, or with another libjpeg-turbo or a
 * change here (count `revision` up) they may be others.
 */
export const squareDecoder = JSON.stringify({
  ...{ revision: 2, arch: process.arch, platform: process.platform, simd: sharp.simd() },
  versions: sharp.versions,
});

/** Files are read whole, a few at a time. */
export const imageBytesMax = 256 * 1024 * 1024;
/** Mean of natural images: a network sees no edge that is not there. */
const transparentBecomes = { r: 128, g: 128, b: 128 };

export interface PhotoHeader {
  /** Upright size in pixels, after EXIF rotation. */
  readonly width: number;
  readonly height: number;
  /** As libvips names it: "jpeg", "png", "webp", ... */
  readonly format: string;
}

/** Size and format from the header alone; the pixels may still be damaged. */
export async function readPhotoHeader(bytes: Uint8Array): Promise<PhotoHeader> {
  const { autoOrient, format } = await orThrow(() => open(bytes).metadata());
  return { width: autoOrient.width, height: autoOrient.height, format: format ?? "unknown" };
}

/**
 * RGB of the whole photo squashed into a square, [size, size, 3], in shared memory. Reads every scan line, so damage anywhere shows.
 * Large photos are libvips': it leaves out what a square of this size does not show while it decodes.
 */
export async function decodeSquare(bytes: Uint8Array, size: number): Promise<Uint8Array> {
  const square = new Uint8Array(new SharedArrayBuffer(size * size * 3));
  const small = await squarePlainJpeg(bytes, size, square);
  return small ?? resampleToSquare(await decodeReduced(bytes, size), size, square);
}

/** No side longer than `size`. libvips does not enlarge: it would move the photo by up to half a pixel. */
function decodeReduced(bytes: Uint8Array, size: number): Promise<Picture> {
  const reduction = { fit: "fill", kernel: "lanczos3", withoutEnlargement: true } as const;
  return orThrow(() => toRgb(normalised(bytes).resize(size, size, reduction)));
}

/** The photo as a person sees it, no side longer than `maxSide`: for reports and full-size predictions. */
export async function decodeUpright(bytes: Uint8Array, options: { maxSide?: number } = {}): Promise<Picture> {
  const { maxSide } = options;
  return await orThrow(() => {
    const whole = normalised(bytes);
    const fitted = maxSide
      ? whole.resize(maxSide, maxSide, { fit: "inside", withoutEnlargement: true, kernel: "lanczos3" })
      : whole;
    return toRgb(fitted);
  });
}

function open(bytes: Uint8Array): Sharp {
  // "error" includes truncated files, and lets through harmless oddities such as junk after the end of a JPEG.
  return sharp(bytes, { failOn: "error", limitInputPixels: photoPixelsMax });
}

function normalised(bytes: Uint8Array): Sharp {
  return open(bytes).autoOrient().flatten({ background: transparentBecomes }).toColourspace("srgb");
}

async function toRgb(image: Sharp): Promise<Picture> {
  const { data, info } = await image.raw({ depth: "uchar" }).toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, rgb: data };
}

async function orThrow<T>(decode: () => Promise<T>): Promise<T> {
  try {
    return await decode();
  } catch (cause) {
    // libvips repeats itself, a line per scan line.
    const reason = cause instanceof Error ? cause.message.split("\n")[0]! : String(cause);
    throw new AppError("DATA_BROKEN", `the photo cannot be decoded: ${reason}`, { cause });
  }
}
