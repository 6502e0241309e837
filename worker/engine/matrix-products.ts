/**
 * Convolutions of one cell as the matrix products that they are, with the bias and the activation after them: TensorFlow computes
 * all three as one operation, and oneDNN faster than as a convolution (docs/BENCHMARKS.md, "Where a training step's time goes").
 */
import { constantAttr, type GraphNode, GraphView, int32 } from "./graph-nodes.js";

/** What TensorFlow computes within the product before it; it sees channels only, never pixels. */
const followers = ["BiasAdd", "Relu", "Relu6"];

export function withMatrixProducts(nodes: readonly GraphNode[]): GraphNode[] {
  const graph = new GraphView(nodes);
  /** Nodes [N, H, W, C] whose values another one (`rowsOf`) has as [N * H * W, C]. */
  const asRows = new Set<string>();
  return nodes.flatMap((node) => {
    const made = isProduct(graph, node) ? product(graph, node) : followed(node, asRows);
    if (made.length > 1) asRows.add(node.name);
    return made;
  });
}

function isProduct(graph: GraphView, { op, input, attr }: GraphNode): boolean {
  const [height, width] = graph.shapeOf(input[1] ?? "") ?? [];
  const strides = (attr.strides as { readonly list: { readonly i: readonly number[] } } | undefined)?.list.i;
  return op === "Conv2D" && height === 1 && width === 1 && strides!.every((stride) => stride === 1);
}

function product(graph: GraphView, node: GraphNode): GraphNode[] {
  const { name, input, attr } = node;
  const [image, filter] = input as [string, string];
  const [, , from, to] = graph.shapeOf(filter) as [number, number, number, number];
  const T = attr.T!;
  const flags = { transpose_a: { b: false }, transpose_b: { b: false } };
  return [
    ...reshape(`${name}_pixels`, image, [-1, from], T),
    ...reshape(`${name}_matrix`, filter, [from, to], T),
    { name: rowsOf(name), op: "MatMul", input: [`${name}_pixels`, `${name}_matrix`], attr: { T, ...flags } },
    ...reshape(name, rowsOf(name), node.shape!, T),
  ];
}

/** On the product's rows, and as what it was for those who want pixels; nobody else computes that one. */
function followed(node: GraphNode, asRows: ReadonlySet<string>): GraphNode[] {
  const [first = "", ...others] = node.input;
  if (!asRows.has(first) || !followers.includes(node.op)) return [node];
  return [
    { ...node, name: rowsOf(node.name), input: [rowsOf(first), ...others] },
    ...reshape(node.name, rowsOf(node.name), node.shape!, node.attr.T!),
  ];
}

function rowsOf(name: string): string {
  return `${name}_rows`;
}

function reshape(name: string, input: string, shape: readonly number[], T: object): GraphNode[] {
  const sides = [shape.length];
  const content = new Uint8Array(Int32Array.from(shape).buffer);
  const size = `${name}_shape`;
  return [
    { name: size, op: "Const", input: [], attr: constantAttr(int32, sides, content), shape: sides },
    { name, op: "Reshape", input: [input, size], attr: { T, Tshape: { type: int32 } }, shape },
  ];
}
