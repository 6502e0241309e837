/**
 * An ONNX model, operator set 17 (onnx.ai/onnx/operators): input and output are channel-last as in the other formats;
 * convolutions and resizing, which ONNX defines channel-first, are put between transpositions, which its runtimes move
 * out of the way.
 */
import type { GraphNode, GraphOp, GraphWeight, PortableGraph, TensorInfo } from "../../shared/data/portable-graph.js";
import { seedgrowVersion } from "../../shared/version.js";
import { encodeMessage } from "./protobuf.js";

/** The first that ONNX Runtime 1.8 reads; nothing newer is used. */
const irVersion = 8;
const operatorSet = 17;
const floatType = 1;
const int64Type = 7;

export function onnxModel(graph: PortableGraph, about: Readonly<Record<string, string>>): Promise<Uint8Array> {
  const writer = new OnnxWriter(graph);
  const message = {
    irVersion,
    producerName: "seedgrow",
    producerVersion: seedgrowVersion,
    opsetImport: [{ domain: "", version: operatorSet }],
    metadataProps: Object.entries(about).map(([key, value]) => ({ key, value })),
    graph: {
      name: "seedgrow",
      input: [valueInfo(graph.input)],
      output: [valueInfo(graph.output)],
      ...writer.write(),
    },
  };
  return encodeMessage("onnx.proto", "onnx.ModelProto", message);
}

function valueInfo({ name, shape }: TensorInfo) {
  const dim = shape.map((size) => ({ dimValue: size }));
  return { name, type: { tensorType: { elemType: floatType, shape: { dim } } } };
}

type Attributes = Readonly<Record<string, number | string | readonly number[]>>;

/** Where the same operation has another name, or the same. */
const plain: Partial<Record<GraphOp, string>> = {
  ...{ Add: "Add", Sub: "Sub", Mul: "Mul", RealDiv: "Div", Maximum: "Max", Minimum: "Min" },
  ...{ Relu: "Relu", Sigmoid: "Sigmoid", Tanh: "Tanh", Sqrt: "Sqrt", Neg: "Neg", Exp: "Exp", Elu: "Elu" },
};

const powers = { Relu6: true, Square: true, Rsqrt: true };

const toChannelsFirst = [0, 3, 1, 2];
const toChannelsLast = [0, 2, 3, 1];

class OnnxWriter {
  private readonly nodes: object[] = [];
  private readonly initializers: object[] = [];
  /** Filters are stored in ONNX's order; the others under their own names, when they are used. */
  private readonly weights: ReadonlyMap<string, GraphWeight>;
  private readonly stored = new Set<string>();

  constructor(private readonly graph: PortableGraph) {
    this.weights = new Map(graph.weights.map((weight) => [weight.name, weight]));
  }

  write() {
    for (const node of this.graph.nodes) this.put(node);
    return { node: this.nodes, initializer: this.initializers };
  }

  private put(node: GraphNode): void {
    const { op, name, inputs, shape } = node;
    const known = plain[op];
    if (known) this.emit(known, inputs, name);
    else if (op === "Conv2D" || op === "DepthwiseConv2D") this.convolution(node);
    else if (op === "ResizeBilinear") this.resize(node);
    else if (op === "MatMul") this.matMul(node);
    else if (op === "Mean" || op === "Max" || op === "Sum") this.reduction(node);
    else if (op === "Reverse" || op === "Slice") this.sliceOf(node);
    else if (op === "Softmax") this.emit("Softmax", inputs, name, { axis: shape.length - 1 });
    else if (op in powers) this.power(node);
    else this.reshaping(node);
  }

  private power({ op, name, inputs }: GraphNode): void {
    const x = inputs[0]!;
    if (op === "Relu6") this.emit("Clip", [x, this.scalar(`${name}/min`, 0), this.scalar(`${name}/max`, 6)], name);
    if (op === "Square") this.emit("Mul", [x, x], name);
    if (op !== "Rsqrt") return;
    this.emit("Sqrt", [x], `${name}/sqrt`);
    this.emit("Reciprocal", [`${name}/sqrt`], name);
  }

  private reduction({ op, name, inputs, attributes }: GraphNode): void {
    const keepdims = Number(attributes.keepDims);
    const axes = attributes.axes!;
    // In this operator set only sums take their axes as an input.
    if (op === "Sum") this.emit("ReduceSum", [inputs[0]!, this.integers(`${name}/axes`, axes)], name, { keepdims });
    else this.emit(`Reduce${op}`, inputs, name, { axes, keepdims });
  }

  private reshaping({ op, name, inputs, attributes, shape }: GraphNode): void {
    const x = inputs[0]!;
    switch (op) {
      case "Reshape":
        this.emit("Reshape", [x, this.integers(`${name}/shape`, shape)], name);
        break;
      case "Transpose":
        this.emit("Transpose", inputs, name, { perm: attributes.permutation! });
        break;
      case "Concat":
        this.emit("Concat", inputs, name, { axis: attributes.axis! });
        break;
      case "LeakyRelu":
        this.emit("LeakyRelu", inputs, name, { alpha: attributes.alpha! });
        break;
      case "Tile":
        this.emit("Tile", [x, this.integers(`${name}/repeats`, attributes.repeats!)], name);
        break;
      case "Pad": {
        const pads = [0, 1].flatMap((side) => attributes.paddings!.map((pair) => pair[side]!));
        this.emit("Pad", [x, this.integers(`${name}/pads`, pads)], name);
        break;
      }
    }
  }

  private convolution({ op, name, inputs, attributes }: GraphNode): void {
    const filter = this.weights.get(inputs[1]!)!;
    const group = op === "Conv2D" ? 1 : filter.shape[2]!;
    const channelsFirst = op === "Conv2D" ? permuted(filter, [3, 2, 0, 1]) : depthwiseFilter(filter);
    this.initializers.push(tensorOf(`${name}/filter`, channelsFirst.shape, channelsFirst.values));
    const [x, y] = [`${name}/nchw`, `${name}/out`];
    this.emit("Transpose", [inputs[0]!], x, { perm: toChannelsFirst });
    const { strides, dilations, padding } = attributes;
    const padded = padding === "SAME" ? "SAME_UPPER" : "VALID";
    const sizes = { strides: strides!, dilations: dilations!, kernel_shape: filter.shape.slice(0, 2) };
    this.emit("Conv", [x, `${name}/filter`], y, { ...sizes, auto_pad: padded, group });
    this.emit("Transpose", [y], name, { perm: toChannelsLast });
  }

  private resize({ name, inputs, shape }: GraphNode): void {
    const [n, h, w, c] = shape as [number, number, number, number];
    const [x, y] = [`${name}/nchw`, `${name}/out`];
    this.emit("Transpose", [inputs[0]!], x, { perm: toChannelsFirst });
    const sizes = this.integers(`${name}/sizes`, [n, c, h, w]);
    const how = { mode: "linear", coordinate_transformation_mode: "half_pixel" };
    this.emit("Resize", [x, "", "", sizes], y, how);
    this.emit("Transpose", [y], name, { perm: toChannelsLast });
  }

  private matMul({ name, inputs, attributes, shape }: GraphNode): void {
    const swap = [...shape.keys()];
    swap.push(...swap.splice(-2).reverse());
    const [a, b] = inputs.map((input, side) => {
      if (!(side === 0 ? attributes.transposeA : attributes.transposeB)) return input;
      this.emit("Transpose", [input], `${name}/${side}`, { perm: swap });
      return `${name}/${side}`;
    });
    this.emit("MatMul", [a!, b!], name);
  }

  private sliceOf(node: GraphNode): void {
    const { op, attributes, shape } = node;
    if (op === "Reverse") {
      const axes = attributes.axes!;
      const back = axes.map(() => -1);
      // "Before the first", as ONNX wants it said.
      const whole = axes.map(() => Number.MIN_SAFE_INTEGER);
      this.slice(node, back, whole, axes, back);
      return;
    }
    const begin = attributes.begin!;
    const end = begin.map((first, axis) => first + shape[axis]!);
    this.slice(node, begin, end, [...begin.keys()], new Array<number>(begin.length).fill(1));
  }

  private slice(
    { name, inputs }: GraphNode,
    starts: readonly number[],
    ends: readonly number[],
    axes: readonly number[],
    steps: readonly number[],
  ): void {
    const parts = { starts, ends, axes, steps };
    const extra = Object.entries(parts).map(([part, values]) => this.integers(`${name}/${part}`, values));
    this.emit("Slice", [inputs[0]!, ...extra], name);
  }

  private emit(opType: string, inputs: readonly string[], output: string, attributes: Attributes = {}): void {
    for (const input of inputs) this.store(input);
    const attribute = Object.entries(attributes).map(([name, value]) => attributeOf(name, value));
    this.nodes.push({ name: output, opType, input: inputs, output: [output], attribute });
  }

  private store(name: string): void {
    const weight = this.weights.get(name);
    if (!weight || this.stored.has(name)) return;
    this.stored.add(name);
    this.initializers.push(tensorOf(name, weight.shape, weight.values));
  }

  private integers(name: string, values: readonly number[]): string {
    const wide = BigInt64Array.from(values, BigInt);
    this.initializers.push({ name, dims: [values.length], dataType: int64Type, rawData: bytesOf(wide) });
    return name;
  }

  private scalar(name: string, value: number): string {
    this.initializers.push(tensorOf(name, [], Float32Array.of(value)));
    return name;
  }
}

function attributeOf(name: string, value: number | string | readonly number[]): object {
  if (typeof value === "string") return { name, type: "STRING", s: Buffer.from(value) };
  if (typeof value !== "number") return { name, type: "INTS", ints: value };
  return name === "alpha" ? { name, type: "FLOAT", f: value } : { name, type: "INT", i: value };
}

function tensorOf(name: string, dims: readonly number[], values: Float32Array): object {
  return { name, dims, dataType: floatType, rawData: bytesOf(values) };
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array | BigInt64Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

interface Filter {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** [h, w, channels, multiplier] -> [channels * multiplier, 1, h, w]. */
function depthwiseFilter(filter: Filter): Filter {
  const [h, w, c, m] = filter.shape as [number, number, number, number];
  return { shape: [c * m, 1, h, w], values: permuted(filter, [2, 3, 0, 1]).values };
}

/** Output axis i is input axis order[i]. */
function permuted({ shape, values }: Filter, order: readonly number[]): Filter {
  const to = order.map((axis) => shape[axis]!);
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((product, side) => product * side, 1));
  const out = new Float32Array(values.length);
  const at = to.map(() => 0);
  for (let i = 0; i < out.length; i++) {
    out[i] = values[at.reduce((sum, position, axis) => sum + position * strides[order[axis]!]!, 0)]!;
    for (let axis = at.length - 1; axis >= 0; axis--) {
      at[axis]!++;
      if (at[axis]! < to[axis]!) break;
      at[axis] = 0;
    }
  }
  return { shape: to, values: out };
}
