/**
 * Convolutions of one cell as the matrix products that they are, with the bias and the activation after them: TensorFlow computes
 * all three as one operation, and oneDNN faster than as a convolution (docs/BENCHMARKS.md, "Where a training step's time goes").
 */
import { constantAttr, type GraphNode, GraphView, int32 } from "./graph-nodes.js";

/** What TensorFlow computes within the product before it; it sees channels only, never pixels. */
const followers = ["BiasAdd", "Relu", "Relu6"];

export function withMatrixProducts(nodes: readonly GraphNode[]): GraphNode[] {
  const products = new MatrixProducts(nodes);
  return nodes.flatMap((node) => products.lowered(node));
}

class MatrixProducts {
  private readonly graph: GraphView;
  /** Nodes [N, H, W, C] whose values another one (`rowsOf`) has as [N * H * W, C]. */
  private readonly asRows = new Set<string>();
  /** Constants that are there already. */
  private readonly sizes = new Set<string>();

  constructor(nodes: readonly GraphNode[]) {
    this.graph = new GraphView(nodes);
  }

  lowered(node: GraphNode): GraphNode[] {
    if (this.isProduct(node)) return this.product(node);
    return this.isOfRows(node) ? this.onRows(node) : [node];
  }

  private isProduct({ op, input, attr }: GraphNode): boolean {
    const [height, width] = this.graph.shapeOf(input[1] ?? "") ?? [];
    const strides = (attr.strides as { readonly list: { readonly i: readonly number[] } } | undefined)?.list.i;
    return op === "Conv2D" && height === 1 && width === 1 && strides!.every((stride) => stride === 1);
  }

  private product(node: GraphNode): GraphNode[] {
    const { name, input, attr } = node;
    const [image, filter] = input as [string, string];
    const [, , from, to] = this.graph.shapeOf(filter) as [number, number, number, number];
    const T = attr.T!;
    const flags = { transpose_a: { b: false }, transpose_b: { b: false } };
    const hasRows = this.asRows.has(image);
    const rows = hasRows ? rowsOf(image) : `${name}_pixels`;
    return [
      ...(hasRows ? [] : this.reshape(rows, image, [-1, from], T)),
      ...this.reshape(`${name}_matrix`, filter, [from, to], T),
      { name: rowsOf(name), op: "MatMul", input: [rows, `${name}_matrix`], attr: { T, ...flags } },
      ...this.asPixels(node),
    ];
  }

  /** Followers, and the sum of two that are there as rows, which is not one number for every channel, say. */
  private isOfRows({ op, input, shape }: GraphNode): boolean {
    const [first = "", second = ""] = input;
    if (!this.asRows.has(first)) return false;
    if (followers.includes(op)) return true;
    const hasShape = (one: string) => this.graph.shapeOf(one)?.join() === shape?.join();
    return op === "Add" && this.asRows.has(second) && hasShape(first) && hasShape(second);
  }

  private onRows(node: GraphNode): GraphNode[] {
    const input = node.input.map((one) => (this.asRows.has(one) ? rowsOf(one) : one));
    return [{ ...node, name: rowsOf(node.name), input }, ...this.asPixels(node)];
  }

  /** The rows as what the node was, for those who want pixels; nobody else computes that one. */
  private asPixels({ name, shape, attr }: GraphNode): GraphNode[] {
    this.asRows.add(name);
    return this.reshape(name, rowsOf(name), shape!, attr.T!);
  }

  private reshape(name: string, input: string, shape: readonly number[], T: object): GraphNode[] {
    const size = `size_${shape.join("_").replace("-", "any")}`;
    const made: GraphNode = { name, op: "Reshape", input: [input, size], attr: { T, Tshape: { type: int32 } }, shape };
    if (this.sizes.has(size)) return [made];
    this.sizes.add(size);
    const sides = [shape.length];
    const content = new Uint8Array(Int32Array.from(shape).buffer);
    return [{ name: size, op: "Const", input: [], attr: constantAttr(int32, sides, content), shape: sides }, made];
  }
}

function rowsOf(name: string): string {
  return `${name}_rows`;
}
