/** Graphs as TensorFlow's GraphDef has them, and what can be read off one node. */

export interface GraphNode {
  readonly name: string;
  readonly op: string;
  /** Names of nodes; `name:1` is a node's second output. */
  readonly input: readonly string[];
  readonly attr: Readonly<Record<string, object>>;
  /** Of its first output; absent: only running the graph would tell. */
  readonly shape?: readonly number[];
}

/** TensorFlow's numbers of types (types.proto). */
export const float32 = 1;
export const int32 = 3;
export const bfloat16 = 14;

interface TensorProto {
  readonly tensorContent: Uint8Array;
}

/** What a Placeholder or a constant says of its shape. */
export function shapeProto(shape: readonly number[]): object {
  return { dim: shape.map((size) => ({ size })) };
}

/** Of a Const. */
export function constantAttr(dtype: number, shape: readonly number[], tensorContent: Uint8Array): GraphNode["attr"] {
  return { dtype: { type: dtype }, value: { tensor: { dtype, tensorShape: shapeProto(shape), tensorContent } } };
}

export class GraphView {
  private readonly byName: ReadonlyMap<string, GraphNode>;

  constructor(nodes: readonly GraphNode[]) {
    this.byName = new Map(nodes.map((node) => [node.name, node]));
  }

  /** Of a node's first output; undefined for another one. */
  maker(input: string): GraphNode | undefined {
    return this.byName.get(input);
  }

  /** Null: not known. */
  shapeOf(input: string): readonly number[] | null {
    return this.maker(input)?.shape ?? null;
  }

  /** Of a constant of 32-bit integers. */
  integersOf(input: string): readonly number[] | null {
    const content = constant(this.maker(input))?.tensorContent;
    return content ? [...new Int32Array(content.slice().buffer)] : null;
  }
}

function constant(node: GraphNode | undefined): TensorProto | undefined {
  return node?.op === "Const" ? (node.attr.value as { readonly tensor: TensorProto }).tensor : undefined;
}

/** The type an operation computes in. */
export function typeOf({ attr }: GraphNode): number | undefined {
  return (attr.T as { readonly type?: number } | undefined)?.type;
}
