/**
 * TensorFlow.js as an argument: the method never imports an engine, it is handed one, so that tests and workers choose.
 * Axes in names: N images, H rows, W columns, C channels, K tags (classes without background).
 */
import type * as tfjs from "@tensorflow/tfjs";

export type Tf = typeof tfjs;
export type Tensor = tfjs.Tensor;
export type Tensor1D = tfjs.Tensor1D;
export type Tensor2D = tfjs.Tensor2D;
export type Tensor3D = tfjs.Tensor3D;
export type Tensor4D = tfjs.Tensor4D;
export type Variable = tfjs.Variable;
export type Scalar = tfjs.Scalar;
export type LayersModel = tfjs.LayersModel;
