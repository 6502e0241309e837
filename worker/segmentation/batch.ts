/**
 * Crops of a micro-batch's photos. An engine with a kernel for it draws them itself: the photos' bytes travel instead of a float for each
 * colour of a crop, and the processor has only the labels to do.
 */
import type { MethodConfig } from "../../shared/config/method.js";
import { IGNORE } from "../../shared/data/manifest.js";
import { Rng } from "../../shared/rng.js";
import type { LabelledExample, MicroBatch, TrainStage } from "../compute/contract.js";
import { type Crop, cropLabels, cropTaps, type DrawPixels, drawCrop, drawLight, type Light } from "./augment.js";
import type { BatchRoom } from "./batch-room.js";
import { hasOwnKernel, ownKernel } from "./nn/native.js";
import type { Tensor, Tensor4D, Tf } from "./tf.js";

export interface BatchContext {
  readonly tf: Tf;
  readonly draw: DrawPixels;
  readonly method: MethodConfig;
  readonly seed: number;
  readonly stage: TrainStage;
  readonly step: number;
  /** Where pictures are drawn, one micro-batch after the other. */
  readonly room: BatchRoom;
}

export interface Pictures {
  /** What differs from one micro-batch to the next. */
  readonly fed: readonly Tensor[];
  /** [N, size, size, 3] in [-1, 1]. */
  readonly images: () => Tensor4D;
}

export interface Batch {
  /** Call inside tf.tidy. */
  readonly pictures: () => Pictures;
  /** [N, size, size]; 255 = ignore. */
  readonly labels: Int32Array;
  readonly size: number;
  readonly crops: readonly Crop[];
}

/** A photo, and how it is looked at. */
interface Look {
  readonly example: LabelledExample;
  readonly crop: Crop;
  readonly light: Light;
}

/** The RNG's key names the image, and its slot should it appear twice. */
export function augmentedBatch(context: BatchContext, { leaf, examples }: MicroBatch): Batch {
  const { tf, method, seed, stage, step, room } = context;
  const { imageSize } = method;
  const { cropSize: size, cropShare } = method[stage.model];
  const looks = examples.map((example, slot): Look => {
    const rng = new Rng(seed, "augment", stage.model, stage.round, step, leaf, slot, example.image);
    const crop = drawCrop(cropShare, imageSize, rng);
    return { example, crop, light: drawLight(method.augment, rng) };
  });
  const cells = size * size;
  const labels = room.labels(looks.length * cells);
  looks.forEach(({ example, crop }, slot) => {
    cropLabels(example, imageSize, crop, size, labels.subarray(slot * cells, (slot + 1) * cells));
  });
  const pictures = hasOwnKernel(tf, cropKernel) ? drawnByEngine : drawnHere;
  return { pictures: pictures(context, looks, size), labels, size, crops: looks.map(({ crop }) => crop) };
}

function drawnHere({ tf, draw, method, room }: BatchContext, looks: readonly Look[], size: number): () => Pictures {
  const values = size * size * 3;
  const pixels = room.pixels(looks.length * values);
  looks.forEach(({ example, crop, light }, slot) => {
    draw(example.pixels, method.imageSize, crop, light, size, pixels.subarray(slot * values, (slot + 1) * values));
  });
  return () => {
    const x = tf.tensor4d(pixels, [looks.length, size, size, 3]);
    return { fed: [x], images: () => x };
  };
}

/**
 * A kernel that an engine may have: { photos, looks }, { imageSize, size } -> [N, size, size, 3]. `photos`: their bytes, four to a
 * number, [N, words] int32. `looks`, [N, 4 size + 5]: for each row and then for each column of the crop where its pixels begin in the
 * photo, and the share of what follows; then gain, what is added per colour, and 1 where there is no colour.
 */
export const cropKernel = "SeedgrowCrops";

/** Numbers of one crop's look. */
export const lookFloats = (size: number) => 4 * size + 5;
export const photoWords = (imageSize: number) => Math.ceil((imageSize * imageSize * 3) / 4);

function drawnByEngine({ tf, method, room }: BatchContext, all: readonly Look[], size: number): () => Pictures {
  const { imageSize } = method;
  const words = photoWords(imageSize);
  const photos = room.photos(all.length * words);
  const bytes = new Uint8Array(photos.buffer);
  const looks = new Float32Array(all.length * lookFloats(size));
  all.forEach(({ example, crop, light }, slot) => {
    bytes.set(example.pixels, 4 * slot * words);
    const { gain, offset, grey } = light;
    const look = [...cropTaps(crop, imageSize, size), gain, ...offset, Number(grey)];
    looks.set(look, slot * lookFloats(size));
  });
  return () => {
    const fed = {
      photos: tf.tensor2d(photos, [all.length, words], "int32"),
      looks: tf.tensor2d(looks, [all.length, lookFloats(size)]),
    };
    const images = () => ownKernel(tf, cropKernel, fed, { imageSize, size })![0] as Tensor4D;
    return { fed: Object.values(fed), images };
  };
}

/** 1 / counted pixels of each image; 0 where there are none. */
export function countedShares({ labels, size }: Pick<Batch, "labels" | "size">): Float32Array {
  const cells = size * size;
  const shares = new Float32Array(labels.length / cells);
  for (let n = 0; n < shares.length; n++) {
    let counted = 0;
    for (let i = n * cells; i < (n + 1) * cells; i++) if (labels[i] !== IGNORE) counted++;
    shares[n] = counted > 0 ? 1 / counted : 0;
  }
  return shares;
}
