/**
 * Biases by TensorFlow's own operations. tfjs adds them with `Add` and takes their gradient with `Sum`, which TensorFlow's graph
 * optimiser cannot tell from any other; `BiasAdd` and `BiasAddGrad` it computes within the convolution before them, with its
 * activation, and within the filter's gradient (measured in docs/BENCHMARKS.md, "Where a training step's time goes").
 */
import { type GraphNode, GraphView } from "./graph-nodes.js";

const convolutions = ["Conv2D", "DepthwiseConv2dNative"];
const filterGradients = ["Conv2DBackpropFilter", "DepthwiseConv2dNativeBackpropFilter"];
const layout = { data_format: { s: Buffer.from("NHWC") } };

export function withBiasOps(nodes: readonly GraphNode[]): GraphNode[] {
  const graph = new GraphView(nodes);
  const outputGradients = new Set(nodes.flatMap((node) => outputGradientOf(graph, node) ?? []));
  return nodes.map((node) => {
    if (node.op === "Add") return biasAdd(graph, node) ?? node;
    return node.op === "Sum" && outputGradients.has(node.input[0]!) ? (biasAddGrad(graph, node) ?? node) : node;
  });
}

/** What a filter's gradient is made of, that of one cell by a matrix product (convolution-gradients.ts). */
function outputGradientOf(graph: GraphView, { op, input, attr }: GraphNode): string | null {
  if (filterGradients.includes(op)) return input[2]!;
  const isProduct = op === "MatMul" && (attr.transpose_a as { readonly b?: boolean }).b === true;
  const rows = isProduct ? graph.maker(input[1]!) : undefined;
  return rows?.op === "Reshape" ? rows.input[0]! : null;
}

function biasAdd(graph: GraphView, node: GraphNode): GraphNode | null {
  const [a, b] = node.input as [string, string];
  for (const [x, added] of [
    [a, b],
    [b, a],
  ] as const) {
    const bias = vectorOf(graph, added);
    if (bias === null || channelsOf(graph, x) !== graph.shapeOf(bias)![0]) continue;
    return { ...node, op: "BiasAdd", input: [x, bias], attr: { ...node.attr, ...layout } };
  }
  return null;
}

/** What a convolution puts out; null: not known, or not a convolution's. */
function channelsOf(graph: GraphView, input: string): number | null {
  const maker = graph.maker(input);
  if (!maker || !convolutions.includes(maker.op)) return null;
  return maker.shape?.[3] ?? null;
}

/** The vector itself, also where it is seen as [1, 1, 1, C]. */
function vectorOf(graph: GraphView, input: string): string | null {
  if (graph.shapeOf(input)?.length === 1) return input;
  const maker = graph.maker(input);
  if (maker?.op !== "Reshape") return null;
  const shape = graph.integersOf(maker.input[1]!);
  const isWide = shape?.slice(0, -1).every((size) => size === 1);
  return isWide ? vectorOf(graph, maker.input[0]!) : null;
}

/** Of the gradient by a convolution's output, which is [N, H, W, C]. */
function biasAddGrad(graph: GraphView, node: GraphNode): GraphNode | null {
  const { keep_dims, T } = node.attr as { readonly keep_dims?: { readonly b?: boolean }; readonly T: object };
  const axes = graph.integersOf(node.input[1]!);
  if (keep_dims?.b || axes?.join() !== "0,1,2") return null;
  return { ...node, op: "BiasAddGrad", input: [node.input[0]!], attr: { T, ...layout } };
}
