/**
 * `method.math: bf16`: convolutions of a graph and what is computed with their results at once take and give bfloat16 (products
 * add up in float32, inside oneDNN); everything else stays float32, as with PyTorch's autocast. Parameters, sums of gradients and
 * the optimiser are float32 in any case.
 */
import { bfloat16, float32, type GraphNode, typeOf } from "./graph-nodes.js";

/** Without the depthwise gradients: in libtensorflow 2.21 they are slower in bfloat16 than in float32. */
const convolutions = new Set([
  ...["Conv2D", "Conv2DBackpropInput", "Conv2DBackpropFilter", "DepthwiseConv2dNative"],
  "MatMul", // convolutions of one cell (matrix-products.ts)
]);

/** In bfloat16 where their data is; the number says how many of their inputs are data. */
const followers = new Map([
  ["BiasAdd", 1],
  ["BiasAddGrad", 1],
  ["Relu", 1],
  ["Relu6", 1],
  ["Reshape", 1],
]);

/** Inputs that are no numbers of the network: sizes. */
const sizeInput = new Map([
  ["Conv2DBackpropInput", 0],
  ["Conv2DBackpropFilter", 1],
  ["Reshape", 1],
]);

/** Nodes come after what they take in. The new output is `output` in float32. */
export function inBfloat16(nodes: readonly GraphNode[], output: string): { nodes: GraphNode[]; output: string } {
  const caster = new Caster();
  for (const node of nodes) caster.add(node);
  return { output: caster.as(float32, output), nodes: caster.nodes };
}

class Caster {
  readonly nodes: GraphNode[] = [];
  /** Outputs that are bfloat16. */
  private readonly half = new Set<string>();
  /** Output and type -> the node that has cast it. */
  private readonly casts = new Map<string, string>();

  add(node: GraphNode): void {
    const isHalf = typeOf(node) === float32 && this.isForBfloat16(node);
    const type = isHalf ? bfloat16 : float32;
    const input = node.input.map((name, i) => {
      const isNumbers = isHalf ? sizeInput.get(node.op) !== i : this.half.has(name);
      return isNumbers ? this.as(type, name) : name;
    });
    this.nodes.push({ ...node, input, attr: isHalf ? { ...node.attr, T: { type } } : node.attr });
    if (isHalf) this.half.add(node.name);
  }

  /** Cast once, whoever wants it. */
  as(type: number, name: string): string {
    const own = this.half.has(name) ? bfloat16 : float32;
    if (own === type) return name;
    const key = `${name} ${type}`;
    const known = this.casts.get(key);
    if (known !== undefined) return known;
    const cast = `cast${this.casts.size}`;
    this.nodes.push({
      name: cast,
      op: "Cast",
      input: [name],
      attr: { SrcT: { type: own }, DstT: { type }, Truncate: { b: false } },
    });
    this.casts.set(key, cast);
    return cast;
  }

  private isForBfloat16({ op, input }: GraphNode): boolean {
    const data = followers.get(op);
    return convolutions.has(op) || (data !== undefined && input.slice(0, data).every((name) => this.half.has(name)));
  }
}
