/**
 * Label maps as PNG files: indexed 8-bit with the PASCAL VOC colours, so that any image viewer shows the classes.
 *
 * Reading keeps the palette *indices* (the class ids); most image libraries, sharp included, turn them into colours.
 * fast-png decodes and encodes; its deflate is written in JavaScript, so the bytes are the same on every machine and
 * Node version, which node:zlib does not promise.
 */
import { type DecodedPng, decode, encode } from "fast-png";
import { AppError } from "../errors.js";
import { IGNORE } from "./manifest.js";

export interface Mask {
  readonly width: number;
  readonly height: number;
  /** Class ids, [height, width]. */
  readonly labels: Uint8Array;
}

/** A larger mask is a mistake or an attack: 16384 x 8192 take 128 MiB decoded. */
const maskPixelsMax = 128 * 1024 * 1024;
/** Deflate's best: a file that claims more than that is cut short, and must not cost the memory it claims. */
const deflateRatioMax = 1032;
const pngSignature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
/** Signature, chunk length, "IHDR", then 13 bytes of header. */
const headerBytes = 8 + 4 + 4 + 13;
/** PNG specification, table 11.1. */
const colorTypes: Readonly<Record<number, string>> = {
  0: "grey",
  2: "RGB",
  3: "palette",
  4: "grey with alpha",
  6: "RGB with alpha",
};

interface PngHeader {
  readonly width: number;
  readonly height: number;
  readonly depthBits: number;
  readonly color: string;
  readonly interlaced: boolean;
}

/** @throws AppError MASK_INVALID when the bytes are not a PNG whose samples are class ids; says what they are. */
export function readMaskPng(bytes: Uint8Array): Mask {
  const header = readHeader(bytes);
  rejectUnlessLabels(header);
  const samplesBytes = (header.width * header.height * header.depthBits) / 8;
  if (samplesBytes > bytes.length * deflateRatioMax) {
    throw new AppError(
      "MASK_INVALID",
      `the mask is cut short: ${bytes.length} bytes for ${header.width}x${header.height} pixels`,
    );
  }
  const { width, height, depthBits } = header;
  const png = decodeOrThrow(bytes);
  if (png.width !== width || png.height !== height) throw new AppError("MASK_INVALID", "the mask has two PNG headers");
  return { width, height, labels: unpackSamples(png.data as Uint8Array, width, height, depthBits) };
}

/** Indexed 8-bit PNG of a label map [height, width]. The same labels give the same bytes. */
export function writeMaskPng(width: number, height: number, labels: Uint8Array): Buffer {
  if (labels.length !== width * height) {
    throw new AppError("INTERNAL", `a mask of ${width}x${height} needs ${width * height} labels, not ${labels.length}`);
  }
  return Buffer.from(encode({ width, height, data: labels, depth: 8, channels: 1, palette: paletteRows }));
}

/**
 * The PASCAL VOC colours, RGB of 256 class ids: black background, cream (224, 224, 192) for ignore (255).
 * Bit k of each channel's byte comes from bits 3k, 3k+1 and 3k+2 of the id, most significant first (VOCdevkit, VOClabelcolormap.m).
 */
export function vocPalette(): Uint8Array {
  const palette = new Uint8Array(256 * 3);
  for (let id = 0; id < 256; id++) {
    for (let bit = 0; bit < 24; bit++) {
      palette[id * 3 + (bit % 3)]! |= ((id >> bit) & 1) << (7 - Math.floor(bit / 3));
    }
  }
  return palette;
}

const paletteRows: number[][] = Array.from({ length: 256 }, (_, id) =>
  Array.from(vocPalette().subarray(id * 3, id * 3 + 3)),
);

function readHeader(bytes: Uint8Array): PngHeader {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.length < headerBytes || !view.subarray(0, 8).equals(pngSignature)) {
    throw new AppError("MASK_INVALID", `the mask is not a PNG file (${bytes.length} bytes)`);
  }
  return {
    width: view.readUInt32BE(16),
    height: view.readUInt32BE(20),
    depthBits: view[24]!,
    color: colorTypes[view[25]!] ?? `color type ${view[25]}`,
    interlaced: view[28] !== 0,
  };
}

function rejectUnlessLabels({ width, height, depthBits, color, interlaced }: PngHeader): void {
  const found = `${width}x${height}, ${depthBits} bits per sample, ${color}`;
  if (width * height === 0 || width * height > maskPixelsMax) {
    throw new AppError("MASK_INVALID", `the mask's size is out of range: ${found} (at most ${maskPixelsMax} pixels)`);
  }
  if ((color !== "palette" && color !== "grey") || ![1, 2, 4, 8].includes(depthBits)) {
    throw new AppError("MASK_INVALID", `the mask's samples are not class ids: ${found}`);
  }
  // fast-png reads the passes of an interlaced image as whole bytes.
  if (interlaced && depthBits < 8) {
    throw new AppError("MASK_INVALID", `the mask is interlaced: ${found}`, {
      hint: "Save it again without interlacing, or with 8 bits per sample.",
    });
  }
}

function decodeOrThrow(bytes: Uint8Array): DecodedPng {
  try {
    return decode(bytes, { checkCrc: true });
  } catch (cause) {
    throw new AppError("MASK_INVALID", "the mask is a damaged PNG file", { cause });
  }
}

/** Samples narrower than a byte are packed, most significant bits first; each row starts at a byte. */
function unpackSamples(packed: Uint8Array, width: number, height: number, depthBits: number): Uint8Array {
  if (depthBits === 8) return packed;
  const rowBytes = Math.ceil((width * depthBits) / 8);
  const mask = (1 << depthBits) - 1;
  const labels = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const bit = x * depthBits;
      const byte = packed[y * rowBytes + (bit >> 3)]!;
      labels[y * width + x] = (byte >> (8 - depthBits - (bit & 7))) & mask;
    }
  }
  return labels;
}

/** True when a map holds only 0 and 255: nearly always a black-and-white mask, in which 255 was meant as "object". */
export function looksBlackAndWhite(labels: Uint8Array): boolean {
  let ignored = 0;
  for (const label of labels) {
    if (label === IGNORE) ignored++;
    else if (label !== 0) return false;
  }
  return ignored > 0;
}
