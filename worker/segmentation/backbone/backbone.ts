/** What the method needs of a feature extractor, whoever trained it. */

import type { Params } from "../nn/conv.js";
import type { ParamDef } from "../params.js";
import type { Tensor4D, Variable } from "../tf.js";

/** Strides of the four taps, pixels per cell. */
export const tapStrides = [4, 8, 16, 32] as const;

/** How the model on top trains its backbone. */
export interface BackboneTraining {
  /** Learning rate relative to the model's own; 0: frozen. */
  readonly rate: number;
  /** Stride of the first stage that learns: what leads to finer taps stays as it was. 4: all of it learns. */
  readonly fromStride: number;
}

/** Images are float32 in [-1, 1], RGB, sides divisible by 32. */
export interface Backbone {
  /** Channels of the taps, finest first. */
  readonly channels: readonly number[];
  /** Parameters that belong into the flat buffer of a model on top; empty when frozen. */
  readonly defs: readonly ParamDef[];
  /** Where those parameters live, if the backbone keeps them itself. */
  readonly variables: ReadonlyMap<string, Variable>;
  /** True when no gradient is wanted: taps may be computed outside the gradient's tape. */
  readonly frozen: boolean;
  /** Features at strides 4, 8, 16, 32. Call inside tf.tidy. */
  taps(x_NHWC: Tensor4D, params: Params): Tensor4D[];
  dispose(): void;
}
