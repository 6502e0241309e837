/** How many photos a process predicts at once. Pure. */

/** For all compute threads of a process together. */
const memoryBytesMax = 4 * 2 ** 30;
/** Of one: an engine of its own, */
const engineBytes = 150e6;
/** what is computed for a photo (a guess on the safe side), */
const bytesPerPixel = 1_000;
/** and weights: as tensors, in the graph, in TensorFlow's copies of both. The benchmark's rows of predictions have what MobileNetV2 takes. */
const copiesOfWeights = 20;

export interface PhotoWork {
  /** As asked for. */
  readonly threads: number;
  /** Weights and parameters of the model. */
  readonly modelBytes: number;
  /** Side of the pictures, pixels. */
  readonly imageSize: number;
}

export interface PhotoThreads {
  readonly computeThreads: number;
  /** What each is started with. */
  readonly engine: { readonly threads: number; readonly operationsAtOnce: number };
}

/**
 * As many as there are threads, or as have room: one photo's layers are too small to share out. The engine's settings, and so
 * the bits, follow from the model and the threads asked for alone, not from how many photos there are.
 */
export function photoThreads({ threads, modelBytes, imageSize }: PhotoWork): PhotoThreads {
  const bytesOfOne = engineBytes + bytesPerPixel * imageSize ** 2 + copiesOfWeights * modelBytes;
  const computeThreads = Math.max(1, Math.min(threads, Math.floor(memoryBytesMax / bytesOfOne)));
  if (computeThreads === 1) return { computeThreads, engine: { threads, operationsAtOnce: 1 } };
  return { computeThreads, engine: { threads: 1, operationsAtOnce: threads } };
}
