/**
 * Small plain JPEGs, decoded by libjpeg-turbo itself: with libvips around it, finding one's way through its objects and threads takes
 * several times as long as a photo of 320 pixels.
 */
import turbo from "@julusian/jpeg-turbo";
import pLimit from "p-limit";
import { type Picture, resampleToSquare } from "./resample.js";

/** Segments' second bytes; the first is 0xff. */
const startOfImage = 0xd8;
const startOfScan = 0xda;
/** Baseline, and the same with more Huffman tables. */
const plainFrames = [0xc0, 0xc1];
const otherFrames = [0xc2, 0xc3, 0xc5, 0xc6, 0xc7, 0xc9, 0xca, 0xcb, 0xcd, 0xce, 0xcf];
/** APP1, APP2, APP14: may say which way is up (EXIF), what the colours mean (ICC), that they are others (Adobe). */
const meaningful = [0xe1, 0xe2, 0xee];

interface Size {
  readonly width: number;
  readonly height: number;
}

/** Of larger photos libvips decodes only what is seen. */
const shrinkMax = 2;
/** Photos decoded at once: libuv has four threads by default, and one each should be ready for them. */
const roomsMax = 8;
const inTurn = pLimit(roomsMax);
/** Memory for pixels that nobody uses now: what is new for each photo takes longer to get than to fill. */
const rooms: Buffer[] = [];

/**
 * The photo squashed into `out` [size, size, 3], which it returns. Null: not a JPEG that is grey or in the usual colours, in one scan per
 * channel or all together, without anything to be heeded besides, and with both sides less than twice `size`; or it is damaged. All of
 * that is libvips' to judge.
 */
export async function squarePlainJpeg(bytes: Uint8Array, size: number, out: Uint8Array): Promise<Uint8Array | null> {
  const said = plainSize(bytes);
  const sideEnd = shrinkMax * size;
  if (!said || said.width >= sideEnd || said.height >= sideEnd) return null;
  return await inTurn(async () => {
    if (said.width === size && said.height === size) return (await decodeInto(bufferOf(out), bytes, said)) && out;
    const room = roomOf(3 * said.width * said.height);
    const picture = await decodeInto(room, bytes, said);
    if (picture) resampleToSquare(picture, size, out);
    rooms.push(room);
    return picture && out;
  });
}

/** Null: damaged. */
async function decodeInto(room: Buffer, bytes: Uint8Array, said: Size): Promise<Picture | null> {
  try {
    const { data, width, height } = await turbo.decompress(bufferOf(bytes), room, { format: turbo.FORMAT_RGB });
    return width === said.width && height === said.height ? { width, height, rgb: data } : null;
  } catch {
    return null;
  }
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function roomOf(bytes: number): Buffer {
  const room = rooms.pop();
  return room && room.length >= bytes ? room : Buffer.allocUnsafeSlow(bytes);
}

/** Of a JPEG as above, from its segments; libjpeg-turbo reads them again. */
function plainSize(bytes: Uint8Array): Size | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes[0] !== 0xff || bytes[1] !== startOfImage) return null;
  let size = null;
  for (let at = 2; at + 10 <= bytes.length && bytes[at] === 0xff; at += 2 + view.getUint16(at + 2)) {
    const kind = bytes[at + 1]!;
    if (kind === startOfScan) return size;
    if (otherFrames.includes(kind) || meaningful.includes(kind)) return null;
    if (!plainFrames.includes(kind)) continue;
    const [bits, channels] = [bytes[at + 4], bytes[at + 9]!];
    if (size || bits !== 8 || ![1, 3].includes(channels)) return null;
    size = { height: view.getUint16(at + 5), width: view.getUint16(at + 7) };
  }
  return null;
}
