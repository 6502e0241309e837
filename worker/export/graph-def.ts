/**
 * A portable graph as TensorFlow's GraphDef, in the JSON form of its protocol buffers (numbers of 64 bits and bytes as
 * strings): what a tfjs GraphModel stores as it is, and what saved-model.ts encodes. Pure.
 */
import type { GraphNode, GraphOp, PortableGraph, TensorInfo } from "../../shared/data/portable-graph.js";

type Attribute = Readonly<Record<string, unknown>>;

export interface NodeDef {
  readonly name: string;
  readonly op: string;
  readonly input: readonly string[];
  readonly attr: Readonly<Record<string, Attribute>>;
}

/** Values of a constant; `float` and `int32` are the only types a graph has. */
export interface Constant {
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: Float32Array | Int32Array;
}

export interface GraphDef {
  readonly nodes: readonly NodeDef[];
  /** Every Const node's values, in the order of the nodes. */
  readonly constants: readonly Constant[];
}

export function graphDefOf({ input, nodes, weights }: PortableGraph): GraphDef {
  const constants: Constant[] = [...weights];
  const constant = (name: string, values: readonly number[], shape: readonly number[] = [values.length]) => {
    constants.push({ name, shape, values: Int32Array.from(values) });
    return name;
  };
  const own = nodes.map((node) => nodeDefOf(node, constant));
  const placeholder: NodeDef = {
    name: input.name,
    op: "Placeholder",
    input: [],
    attr: { dtype: float, shape: { shape: shapeOf(input.shape) } },
  };
  return { nodes: [placeholder, ...constants.map(constNode), ...own], constants };
}

export function shapeOf(shape: readonly number[]) {
  return { dim: shape.map((size) => ({ size: String(size) })) };
}

export function tensorInfoOf({ name, shape }: TensorInfo) {
  return { name: `${name}:0`, dtype: "DT_FLOAT", tensorShape: shapeOf(shape) };
}

const float: Attribute = { type: "DT_FLOAT" };
const int32: Attribute = { type: "DT_INT32" };
const integers = (values: readonly number[]): Attribute => ({ list: { i: values.map(String) } });
const text = (value: string): Attribute => ({ s: Buffer.from(value).toString("base64") });

export function dtypeOf({ values }: Pick<Constant, "values">): "DT_FLOAT" | "DT_INT32" {
  return values instanceof Int32Array ? "DT_INT32" : "DT_FLOAT";
}

function constNode(constant: Constant): NodeDef {
  const dtype = dtypeOf(constant);
  const value = { tensor: { dtype, tensorShape: shapeOf(constant.shape) } };
  return { name: constant.name, op: "Const", input: [], attr: { dtype: { type: dtype }, value } };
}

/** Where TensorFlow has another name. */
const names: Partial<Record<GraphOp, string>> = {
  Add: "AddV2",
  DepthwiseConv2D: "DepthwiseConv2dNative",
  MatMul: "BatchMatMulV2",
  Concat: "ConcatV2",
  Reverse: "ReverseV2",
};

type AddConstant = (name: string, values: readonly number[], shape?: readonly number[]) => string;

function nodeDefOf(node: GraphNode, constant: AddConstant): NodeDef {
  const { name, op, inputs } = node;
  const { extra, attr } = detailsOf(node, constant);
  return { name, op: names[op] ?? op, input: [...inputs, ...extra], attr: { T: float, ...attr } };
}

interface Details {
  /** Inputs that TensorFlow takes as constants. */
  readonly extra: readonly string[];
  readonly attr: Readonly<Record<string, Attribute>>;
}

function detailsOf({ name, op, shape, inputs, attributes }: GraphNode, constant: AddConstant): Details {
  const of = (what: string, values: readonly number[], as?: readonly number[]) =>
    constant(`${name}/${what}`, values, as);
  switch (op) {
    case "Conv2D":
    case "DepthwiseConv2D": {
      const four = (values: readonly number[]) => integers([1, ...values, 1]);
      const { strides, dilations, padding } = attributes;
      const attr = { strides: four(strides!), dilations: four(dilations!), padding: text(padding!) };
      return { extra: [], attr: { ...attr, data_format: text("NHWC"), explicit_paddings: integers([]) } };
    }
    case "Mean":
    case "Sum":
    case "Max":
      return { extra: [of("axes", attributes.axes!)], attr: { keep_dims: { b: attributes.keepDims! }, Tidx: int32 } };
    case "Reshape":
      return { extra: [of("shape", shape)], attr: { Tshape: int32 } };
    case "Transpose":
      return { extra: [of("perm", attributes.permutation!)], attr: { Tperm: int32 } };
    case "Concat":
      return { extra: [of("axis", [attributes.axis!], [])], attr: { N: { i: String(inputs.length) }, Tidx: int32 } };
    case "Reverse":
      return { extra: [of("axes", attributes.axes!)], attr: { Tidx: int32 } };
    case "Slice":
      return { extra: [of("begin", attributes.begin!), of("size", shape)], attr: { Index: int32 } };
    case "Pad":
      return { extra: [of("paddings", attributes.paddings!.flat(), [shape.length, 2])], attr: { Tpaddings: int32 } };
    case "Tile":
      return { extra: [of("multiples", attributes.repeats!)], attr: { Tmultiples: int32 } };
    case "ResizeBilinear":
      return {
        extra: [of("size", shape.slice(1, 3))],
        attr: { align_corners: { b: false }, half_pixel_centers: { b: true } },
      };
    case "MatMul":
      return { extra: [], attr: { adj_x: { b: attributes.transposeA! }, adj_y: { b: attributes.transposeB! } } };
    case "LeakyRelu":
      return { extra: [], attr: { alpha: { f: attributes.alpha! } } };
    default:
      return { extra: [], attr: {} };
  }
}
