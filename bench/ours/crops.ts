/** How training draws its crops. Undefined: a commit from before there were kernels for it, in `npm run bench:compare`. */
import type { DrawPixels } from "../../worker/segmentation/augment.js";

export function openCrops(): Promise<DrawPixels | undefined> {
  return import("../../worker/wasm/crop.js").then(
    ({ openCropKernels }) => openCropKernels(),
    () => undefined,
  );
}
