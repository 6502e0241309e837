/**
 * Small plain JPEGs, decoded by libjpeg-turbo itself: with libvips around it, finding one's way through its objects and threads takes
 * several times as long as a photo of 320 pixels.
 */
import turbo from "@julusian/jpeg-turbo";
import pLimit from "p-limit";
import type { Picture } from "./resample.js";

/** Segments' second bytes; the first is 0xff. */
const startOfImage = 0xd8;
const startOfScan = 0xda;
/** Baseline, and the same with more Huffman tables. */
const plainFrames = [0xc0, 0xc1];
const otherFrames = [0xc2, 0xc3, 0xc5, 0xc6, 0xc7, 0xc9, 0xca, 0xcb, 0xcd, 0xce, 0xcf];
/** APP1, APP2, APP14: may say which way is up (EXIF), what the colours mean (ICC), that they are others (Adobe). */
const meaningful = [0xe1, 0xe2, 0xee];

/** Photos decoded at once: libuv has four threads by default, and one each should be ready for them. */
const roomsMax = 8;
const inTurn = pLimit(roomsMax);
/** Memory for pixels that nobody uses now: what is new for each photo takes longer to get than to fill. */
const rooms: Buffer[] = [];

/**
 * What `use` makes of the pixels, which are there until it returns. Null: not a JPEG that is grey or in the usual colours, in one scan per
 * channel or all together, without anything to be heeded besides, and with both sides less than `sideEnd`; or it is damaged. All of
 * that is libvips' to judge.
 */
export async function usePlainJpeg<T>(bytes: Uint8Array, sideEnd: number, use: (p: Picture) => T): Promise<T | null> {
  const size = plainSize(bytes);
  if (!size || size.width >= sideEnd || size.height >= sideEnd) return null;
  return await inTurn(async () => {
    const room = roomOf(3 * size.width * size.height);
    const picture = await decodeInto(room, bytes);
    const isAsSaid = picture?.width === size.width && picture.height === size.height;
    const made = isAsSaid ? use(picture) : null;
    rooms.push(room);
    return made;
  });
}

/** Null: damaged. */
async function decodeInto(room: Buffer, bytes: Uint8Array): Promise<Picture | null> {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    const { data, width, height } = await turbo.decompress(file, room, { format: turbo.FORMAT_RGB });
    return { width, height, rgb: data };
  } catch {
    return null;
  }
}

function roomOf(bytes: number): Buffer {
  const room = rooms.pop();
  return room && room.length >= bytes ? room : Buffer.allocUnsafeSlow(bytes);
}

/** Of a JPEG as above, from its segments; libjpeg-turbo reads them again. */
function plainSize(bytes: Uint8Array): { readonly width: number; readonly height: number } | null {
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
