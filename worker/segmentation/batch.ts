/** Crops of a micro-batch's photos, and what their labels ask of every pixel. */
import type { MethodConfig } from "../../shared/config/method.js";
import { IGNORE } from "../../shared/data/manifest.js";
import { Rng } from "../../shared/rng.js";
import type { LabelledExample, MicroBatch, TrainStage } from "../compute/contract.js";
import { type Crop, cropLabels, type DrawPixels, drawCrop, drawLight, type Light } from "./augment.js";
import type { BatchRoom } from "./batch-room.js";
import { drawnByEngine } from "./engine-batch.js";
import type { PixelTargets } from "./loss.js";
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

/** Is told of every tensor that differs from one micro-batch to the next. */
export type Feed = <T extends Tensor>(tensor: T) => T;

/** Inside tf.tidy: what is given to `feed`, and, later, what is made of that. */
export interface Drawn {
  /** [N, size, size, 3] in [-1, 1]. */
  readonly pictures: (feed: Feed) => () => Tensor4D;
  readonly targets: (feed: Feed) => () => PixelTargets;
  /** How many of the crops have a pixel with a label. */
  readonly labelled: () => number;
}

export interface Batch extends Drawn {
  readonly count: number;
  readonly size: number;
  readonly crops: readonly Crop[];
  /** [N, size, size]; 255 = ignore. Until the next batch. */
  readonly labels: () => Int32Array;
}

/** A photo, and how it is looked at. */
export interface Look {
  readonly example: LabelledExample;
  readonly crop: Crop;
  readonly light: Light;
}

/** The RNG's key names the image, and its slot should it appear twice. */
export function augmentedBatch(context: BatchContext, { leaf, examples }: MicroBatch): Batch {
  const { method, seed, stage, step } = context;
  const { cropSize: size, cropShare } = method[stage.model];
  const looks = examples.map((example, slot): Look => {
    const rng = new Rng(seed, "augment", stage.model, stage.round, step, leaf, slot, example.image);
    const crop = drawCrop(cropShare, method.imageSize, rng);
    return { example, crop, light: drawLight(method.augment, rng) };
  });
  const labels = once(() => labelsOf(context, looks, size));
  const drawn = drawnByEngine(context, looks, size) ?? drawnHere(context, looks, size, labels);
  return { ...drawn, count: looks.length, size, crops: looks.map(({ crop }) => crop), labels };
}

function labelsOf({ method, room }: BatchContext, looks: readonly Look[], size: number): Int32Array {
  const cells = size * size;
  const labels = room.labels(looks.length * cells);
  looks.forEach(({ example, crop }, slot) => {
    cropLabels(example, method.imageSize, crop, size, labels.subarray(slot * cells, (slot + 1) * cells));
  });
  return labels;
}

function drawnHere(
  { tf, draw, method, room }: BatchContext,
  looks: readonly Look[],
  size: number,
  labels: () => Int32Array,
): Drawn {
  const count = looks.length;
  const values = size * size * 3;
  const pixels = room.pixels(count * values);
  looks.forEach(({ example, crop, light }, slot) => {
    draw(example.pixels, method.imageSize, crop, light, size, pixels.subarray(slot * values, (slot + 1) * values));
  });
  const shares = once(() => countedShares(labels(), size));
  return {
    pictures: (feed) => {
      const x = feed(tf.tensor4d(pixels, [count, size, size, 3]));
      return () => x;
    },
    targets: (feed) => {
      const labels_NHW = feed(tf.tensor3d(labels(), [count, size, size], "int32"));
      const share_N111 = feed(tf.tensor4d(shares(), [count, 1, 1, 1]));
      return () => ({ labels_NHW, share_N111 });
    },
    labelled: () => shares().filter((share) => share > 0).length,
  };
}

/** 1 / counted pixels of each image; 0 where there are none. */
function countedShares(labels: Int32Array, size: number): Float32Array {
  const cells = size * size;
  const shares = new Float32Array(labels.length / cells);
  for (let n = 0; n < shares.length; n++) {
    let counted = 0;
    for (let i = n * cells; i < (n + 1) * cells; i++) if (labels[i] !== IGNORE) counted++;
    shares[n] = counted > 0 ? 1 / counted : 0;
  }
  return shares;
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | null = null;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
