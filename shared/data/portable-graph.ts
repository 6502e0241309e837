/**
 * A network as a list of simple operations with its weights: what the writers of other formats (worker/export) are made
 * from. Shapes are fixed, tensors are channel-last (NHWC), every node has one output, and nodes come in the order in
 * which they can run. The operations are TensorFlow's, by its names.
 */

export interface PortableGraph {
  /** f32, pixels 0..255. */
  readonly input: TensorInfo;
  readonly output: TensorInfo;
  readonly nodes: readonly GraphNode[];
  /** By the names that nodes refer to; f32. */
  readonly weights: readonly GraphWeight[];
}

export interface TensorInfo {
  readonly name: string;
  readonly shape: readonly number[];
}

export interface GraphWeight extends TensorInfo {
  readonly values: Float32Array;
}

export interface GraphNode extends TensorInfo {
  readonly op: GraphOp;
  /** Names of the input, of weights or of earlier nodes. */
  readonly inputs: readonly string[];
  readonly attributes: GraphAttributes;
}

/** What an operation needs beside its inputs; each uses its own few. */
export interface GraphAttributes {
  /** Conv2D, DepthwiseConv2D: height and width. Filters are [h, w, in, out] and [h, w, channels, 1]. */
  readonly strides?: readonly number[];
  readonly dilations?: readonly number[];
  readonly padding?: "SAME" | "VALID";
  /** Mean, Sum, Max, Reverse. */
  readonly axes?: readonly number[];
  readonly keepDims?: boolean;
  /** Concat. */
  readonly axis?: number;
  /** MatMul. */
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
  /** Transpose. */
  readonly permutation?: readonly number[];
  /** Slice; its size is the node's shape. */
  readonly begin?: readonly number[];
  /** Pad: [before, after] per axis, with zeros. */
  readonly paddings?: readonly (readonly number[])[];
  /** Tile. */
  readonly repeats?: readonly number[];
  /** LeakyRelu. */
  readonly alpha?: number;
}

export const unaryOps = ["Relu", "Relu6", "Sigmoid", "Tanh", "Rsqrt", "Sqrt", "Square", "Neg", "Exp", "Elu"] as const;
export const binaryOps = ["Add", "Sub", "Mul", "RealDiv", "Maximum", "Minimum"] as const;

export type GraphOp =
  | (typeof unaryOps)[number]
  | (typeof binaryOps)[number]
  | "Conv2D"
  | "DepthwiseConv2D"
  | "LeakyRelu"
  /** Over the last axis. */
  | "Softmax"
  /** Half-pixel centres; to the node's shape. */
  | "ResizeBilinear"
  | "Mean"
  | "Sum"
  | "Max"
  | "MatMul"
  /** To the node's shape. */
  | "Reshape"
  | "Transpose"
  | "Concat"
  | "Reverse"
  | "Slice"
  | "Pad"
  | "Tile";
