/**
 * Crops drawn by an engine that has kernels for it: bytes of photos and labels travel instead of four for each number of a crop, and the
 * processor has next to nothing to do.
 */
import { IGNORE } from "../../shared/data/manifest.js";
import { cropTaps, showsLabel } from "./augment.js";
import type { BatchContext, Drawn, Look } from "./batch.js";
import { hasOwnKernel, ownKernel } from "./nn/native.js";
import type { Tensor, Tensor4D } from "./tf.js";

/**
 * Both take `looks`, [N, 4 size + 5]: for each row and then for each column of the crop where it lies in the photo, as a whole number
 * and the rest; then gain, what is added per colour, and 1 where there is no colour. Bytes come four to a number.
 */
export const cropKernels = {
  /** { photos [N, words] int32, looks }, { imageSize, size } -> [N, size, size, 3] */
  pictures: "SeedgrowCrops",
  /** { labels [N, words] int32, looks }, { imageSize, size } -> [N, size, size] int32 */
  labels: "SeedgrowLabelCrops",
} as const;

/** Numbers of one crop's look. */
export const lookFloats = (size: number) => 4 * size + 5;
/** Numbers that so many bytes come in. */
export const wordsOf = (bytes: number) => Math.ceil(bytes / 4);

/** Null: the engine has no such kernels. */
export function drawnByEngine(
  { tf, method: { imageSize }, room }: BatchContext,
  all: readonly Look[],
  size: number,
): Drawn | null {
  if (!hasOwnKernel(tf, cropKernels.pictures)) return null;
  const count = all.length;
  const pixels = imageSize * imageSize;
  const photos = room.photos(count * wordsOf(3 * pixels));
  fillBytes(photos, count, (slot) => all[slot]!.example.pixels);
  const looks = looksOf(all, imageSize, size);
  const looksTensor = () => tf.tensor2d(looks, [count, lookFloats(size)]);
  const run = (name: string, inputs: Readonly<Record<string, Tensor>>) => {
    return ownKernel(tf, name, inputs, { imageSize, size })![0]!;
  };
  return {
    pictures: (feed) => {
      const inputs = {
        photos: feed(tf.tensor2d(photos, [count, photos.length / count], "int32")),
        looks: feed(looksTensor()),
      };
      return () => run(cropKernels.pictures, inputs) as Tensor4D;
    },
    targets: (feed) => {
      const bytes = new Int32Array(count * wordsOf(pixels)).fill(-1);
      fillBytes(bytes, count, (slot) => all[slot]!.example.labels);
      const inputs = {
        labels: feed(tf.tensor2d(bytes, [count, bytes.length / count], "int32")),
        looks: feed(looksTensor()),
      };
      return () => {
        const labels_NHW = run(cropKernels.labels, inputs);
        const counted = labels_NHW.less(IGNORE).cast("float32").sum([1, 2]);
        const share_N111 = counted.minimum(1).div(counted.maximum(1)).reshape([count, 1, 1, 1]);
        return { labels_NHW, share_N111 };
      };
    },
    labelled: () => all.filter(({ example, crop }) => showsLabel(example, imageSize, crop, size)).length,
  };
}

/** Each slot's bytes, from the beginning of its numbers; null: as they are. */
function fillBytes(words: Int32Array, count: number, bytesOf: (slot: number) => Uint8Array | null): void {
  const bytes = new Uint8Array(words.buffer);
  for (let slot = 0; slot < count; slot++) {
    const own = bytesOf(slot);
    if (own) bytes.set(own, (slot * bytes.length) / count);
  }
}

function looksOf(all: readonly Look[], imageSize: number, size: number): Float32Array {
  const looks = new Float32Array(all.length * lookFloats(size));
  all.forEach(({ crop, light: { gain, offset, grey } }, slot) => {
    const look = looks.subarray(slot * lookFloats(size), (slot + 1) * lookFloats(size));
    cropTaps(crop, imageSize, size, look);
    look.set([gain, ...offset, Number(grey)], 4 * size);
  });
  return looks;
}
