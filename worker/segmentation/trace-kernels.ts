/** What each of tfjs's kernels is in a portable graph. Names and attributes: tfjs-core 4.22, kernel_names.ts. */
import { binaryOps, type GraphAttributes, type GraphOp, unaryOps } from "../../shared/data/portable-graph.js";
import type { Tensor, Tf } from "./tf.js";

export interface KernelCall {
  readonly name: string;
  readonly inputs: Readonly<Record<string, Tensor>>;
  readonly list: readonly Tensor[];
  // biome-ignore lint/suspicious/noExplicitAny: every kernel has attributes of its own.
  readonly attributes: Readonly<Record<string, any>>;
  readonly outputs: readonly Tensor[];
}

/** What a translation may do; trace.ts has it. */
export interface Recorder {
  add(
    op: GraphOp,
    inputs: readonly (Tensor | string)[],
    shape: readonly number[],
    attributes?: GraphAttributes,
    result?: Tensor,
  ): string;
  alias(tensor: Tensor, as: Tensor): void;
  isConstant(tensor: Tensor): boolean;
  constant(compute: (tf: Tf) => Tensor): Tensor;
}

type Translation = (call: KernelCall, recorder: Recorder) => boolean;

/** False: there is no such operation. */
export function translate(call: KernelCall, recorder: Recorder): boolean {
  return translations[call.name]?.(call, recorder) ?? false;
}

function simple(op: GraphOp, attributesOf: (call: KernelCall) => GraphAttributes = () => ({})): Translation {
  return (call, recorder) => {
    const result = call.outputs[0]!;
    recorder.add(op, call.list, result.shape, attributesOf(call), result);
    return true;
  };
}

const tfjsNames: Readonly<Record<string, GraphOp>> = { Multiply: "Mul" };
const sameName = [...unaryOps, ...binaryOps].map((op) => [op, simple(op)] as const);
const renamed = Object.entries(tfjsNames).map(([name, op]) => [name, simple(op)] as const);

const reduction = ({ inputs, attributes }: KernelCall): GraphAttributes => ({
  axes: axesOf(attributes.axis, inputs.x!.shape.length),
  keepDims: attributes.keepDims === true,
});

const translations: Readonly<Record<string, Translation>> = {
  ...Object.fromEntries([...sameName, ...renamed]),
  Identity: (call, recorder) => alias(call, recorder),
  Cast: (call, recorder) => call.attributes.dtype === "float32" && alias(call, recorder),
  LeakyRelu: simple("LeakyRelu", ({ attributes }) => ({ alpha: attributes.alpha })),
  Softmax: simple("Softmax"),
  Mean: simple("Mean", reduction),
  Sum: simple("Sum", reduction),
  Max: simple("Max", ({ inputs, attributes }) => ({
    axes: axesOf(attributes.reductionIndices ?? attributes.axis, inputs.x!.shape.length),
    keepDims: attributes.keepDims === true,
  })),
  Reshape: simple("Reshape"),
  ExpandDims: simple("Reshape"),
  Transpose: simple("Transpose", ({ attributes }) => ({ permutation: attributes.perm })),
  Concat: simple("Concat", ({ attributes, outputs }) => {
    return { axis: axesOf(attributes.axis, outputs[0]!.shape.length)[0]! };
  }),
  Reverse: simple("Reverse", ({ inputs, attributes }) => ({ axes: axesOf(attributes.dims, inputs.x!.shape.length) })),
  Slice: simple("Slice", ({ attributes }) => ({ begin: attributes.begin })),
  Tile: simple("Tile", ({ attributes }) => ({ repeats: attributes.reps })),
  PadV2: (call, recorder) => {
    const { paddings, constantValue } = call.attributes;
    return constantValue === 0 && simple("Pad", () => ({ paddings }))(call, recorder);
  },
  BatchMatMul: simple("MatMul", ({ attributes: { transposeA, transposeB } }) => ({ transposeA, transposeB })),
  ResizeBilinear: (call, recorder) => {
    const { alignCorners, halfPixelCenters } = call.attributes;
    return !alignCorners && halfPixelCenters && simple("ResizeBilinear")(call, recorder);
  },
  AddN: sum,
  Unpack: unpack,
  Conv2D: (call, recorder) => convolution("Conv2D", call, recorder),
  FusedConv2D: (call, recorder) => convolution("Conv2D", call, recorder),
  DepthwiseConv2dNative: (call, recorder) => convolution("DepthwiseConv2D", call, recorder),
  FusedDepthwiseConv2D: (call, recorder) => convolution("DepthwiseConv2D", call, recorder),
  FusedBatchNorm: batchNorm,
};

function alias({ list, outputs }: KernelCall, recorder: Recorder): boolean {
  recorder.alias(list[0]!, outputs[0]!);
  return true;
}

function axesOf(axis: number | readonly number[], rank: number): number[] {
  return [axis].flat().map((one) => (one < 0 ? one + rank : one));
}

function unpack({ inputs, attributes, outputs }: KernelCall, recorder: Recorder): boolean {
  const value = inputs.value!;
  const axis = axesOf(attributes.axis, value.shape.length)[0]!;
  for (const [index, output] of outputs.entries()) {
    const begin = value.shape.map((_, at) => (at === axis ? index : 0));
    const piece = recorder.add("Slice", [value], value.shape.with(axis, 1), { begin });
    recorder.add("Reshape", [piece], output.shape, {}, output);
  }
  return true;
}

function sum({ list, outputs }: KernelCall, recorder: Recorder): boolean {
  const result = outputs[0]!;
  let total: Tensor | string = list[0]!;
  for (const [index, term] of list.entries()) {
    if (index === 0) continue;
    total = recorder.add("Add", [total, term], result.shape, {}, index === list.length - 1 ? result : undefined);
  }
  if (list.length === 1) recorder.alias(list[0]!, result);
  return true;
}

const activations: Readonly<Record<string, GraphOp>> = {
  relu: "Relu",
  relu6: "Relu6",
  sigmoid: "Sigmoid",
  tanh: "Tanh",
  elu: "Elu",
};

/** Fused kernels come apart: other programs fuse for themselves. */
function convolution(op: GraphOp, call: KernelCall, recorder: Recorder): boolean {
  const { inputs, attributes, outputs } = call;
  const { strides, dataFormat = "NHWC", activation = "linear", pad } = attributes;
  const result = outputs[0]!;
  const isKnown = activation === "linear" || activation in activations;
  if (dataFormat !== "NHWC" || !isKnown || !(pad === "same" || pad === "valid")) return false;
  const padding = pad === "same" ? "SAME" : "VALID";
  const steps = { strides: pair(strides), dilations: pair(attributes.dilations ?? 1), padding } as const;
  let last = "";
  const put = (kind: GraphOp, from: readonly (Tensor | string)[], more: GraphAttributes, isLast: boolean) => {
    last = recorder.add(kind, from, result.shape, more, isLast ? result : undefined);
  };
  const hasBias = inputs.bias !== undefined;
  const hasActivation = activation !== "linear";
  put(op, [inputs.x!, inputs.filter!], steps, !hasBias && !hasActivation);
  if (hasBias) put("Add", [last, inputs.bias!], {}, !hasActivation);
  if (hasActivation) put(activations[activation]!, [last], {}, true);
  return true;
}

function pair(value: number | readonly number[]): readonly number[] {
  return typeof value === "number" ? [value, value] : value;
}

/** With known statistics it is a product and a sum. */
function batchNorm({ inputs, attributes, outputs }: KernelCall, recorder: Recorder): boolean {
  const { x, mean, variance, offset, scale } = inputs;
  const known = [mean!, variance!, offset, scale].every(
    (tensor) => tensor === undefined || recorder.isConstant(tensor),
  );
  if (!known) return false;
  const factor = recorder.constant(() => {
    const inverse = variance!.add(attributes.varianceEpsilon).rsqrt();
    return scale ? inverse.mul(scale) : inverse;
  });
  const shift = recorder.constant(() => {
    const moved = mean!.mul(factor).neg();
    return offset ? moved.add(offset) : moved;
  });
  const result = outputs[0]!;
  const product = recorder.add("Mul", [x!, factor], result.shape);
  recorder.add("Add", [product, shift], result.shape, {}, result);
  return true;
}
