/** seedgrow.json beside an exported model: all that whoever runs it has to know. */

import { overlayColor } from "../../shared/data/overlay.js";
import type { PortableGraph } from "../../shared/data/portable-graph.js";
import type { SavedModel } from "../../shared/data/saved-model.js";
import { seedgrowVersion } from "../../shared/version.js";

export function modelCard({ runId, round, classes, method, params }: SavedModel, { input, output }: PortableGraph) {
  const { imageSize, pamr, finePamr, predict } = method;
  return {
    version: 1,
    seedgrowVersion,
    run: { runId, round, weightsSha256: params.digest },
    /** Class id = index + 1; 0 is background. */
    classes,
    colors: classes.map((_, index) => overlayColor(index + 1)),
    input: {
      ...{ name: input.name, shape: input.shape, layout: "NHWC", dtype: "float32", channels: "RGB", range: [0, 255] },
      resize: "upright photo (EXIF), stretched to the square without keeping its aspect",
    },
    output: {
      ...{ name: output.name, shape: output.shape, layout: "NHWC", dtype: "float32" },
      channels: ["background", ...classes],
      meaning: "class probabilities; each cell sums to 1; the mirrored second look is part of the model",
    },
    /** For `labelsFrom` of postprocess.js: refines borders by local colour, as `seedgrow predict` does. */
    method: { imageSize, pamr, finePamr, predict },
  };
}
