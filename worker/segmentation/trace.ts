/**
 * Records what the engine does while a function runs, as a graph that other programs can run: whatever networks and
 * backbones the method has, now and later, can be exported without describing any of them twice.
 *
 * tfjs sends every operation through `engine().runKernel`. What does not depend on the input is a constant and is
 * stored as such, so batch norms, biases and averaging matrices fold away.
 */
import type {
  GraphAttributes,
  GraphNode,
  GraphOp,
  GraphWeight,
  PortableGraph,
} from "../../shared/data/portable-graph.js";
import { AppError } from "../../shared/errors.js";
import type { Tensor, Tensor4D, Tf } from "./tf.js";
import { type KernelCall, translate } from "./trace-kernels.js";

type RunKernel = (name: string, inputs: KernelInputs, attributes?: object) => Tensor | Tensor[];
type KernelInputs = readonly (Tensor | undefined)[] | Readonly<Record<string, Tensor | undefined>>;

/** Call outside tf.tidy. `shape`: of the input. @throws AppError EXPORT_UNSUPPORTED */
export function traceGraph(
  tf: Tf,
  shape: readonly [number, number, number, number],
  compute: (input: Tensor4D) => Tensor4D,
): PortableGraph {
  const engine = tf.engine() as unknown as { runKernel: RunKernel };
  const original = engine.runKernel;
  let graph: PortableGraph | null = null;
  tf.tidy(() => {
    const input = tf.zeros([...shape]) as Tensor4D;
    const recorder = new GraphRecorder(tf, input);
    let depth = 0;
    engine.runKernel = (name, inputs, attributes = {}) => {
      depth++;
      try {
        const result = original.call(engine, name, inputs, attributes);
        // Kernels made of other kernels count as one.
        if (depth === 1) recorder.record(name, inputs, attributes, Array.isArray(result) ? result : [result]);
        return result;
      } finally {
        depth--;
      }
    };
    try {
      graph = recorder.finish(compute(input));
    } finally {
      engine.runKernel = original;
    }
  });
  return graph!;
}

export class GraphRecorder {
  private readonly names = new Map<number, string>();
  /** Tensors that depend on the input, by id; all else is constant. */
  private readonly live = new Set<number>();
  private readonly nodes: GraphNode[] = [];
  private readonly weights: GraphWeight[] = [];
  /** While a constant is computed nothing is recorded. */
  private isPaused = false;

  constructor(
    private readonly tf: Tf,
    private readonly input: Tensor,
  ) {
    this.setName(input, "image");
  }

  record(name: string, inputs: KernelInputs, attributes: object, outputs: readonly Tensor[]): void {
    if (this.isPaused || !Object.values(inputs).some((tensor) => tensor && !this.isConstant(tensor))) return;
    const call: KernelCall = {
      name,
      inputs: inputs as Readonly<Record<string, Tensor>>,
      list: Object.values(inputs).filter((tensor) => tensor !== undefined),
      attributes: attributes as KernelCall["attributes"],
      outputs,
    };
    if (!translate(call, this)) {
      throw new AppError("EXPORT_UNSUPPORTED", `the network uses ${name}, which cannot be exported`, {
        hint: "Masks can be exported in any case; `seedgrow serve` runs the model as it is.",
      });
    }
  }

  /** Adds a node; `result`, if given, is the tensor that it stands for. Returns the node's name. */
  add(
    op: GraphOp,
    inputs: readonly (Tensor | string)[],
    shape: readonly number[],
    attributes: GraphAttributes = {},
    result?: Tensor,
  ): string {
    const name = `n${this.nodes.length}_${op}`;
    const names = inputs.map((input) => (typeof input === "string" ? input : this.nameOf(input)));
    this.nodes.push({ name, op, inputs: names, shape, attributes });
    if (result) this.setName(result, name);
    return name;
  }

  /** The same values under another tensor. */
  alias(tensor: Tensor, as: Tensor): void {
    this.setName(as, this.nameOf(tensor));
  }

  isConstant(tensor: Tensor): boolean {
    return !this.live.has(tensor.id);
  }

  constant(compute: (tf: Tf) => Tensor): Tensor {
    this.isPaused = true;
    try {
      return compute(this.tf);
    } finally {
      this.isPaused = false;
    }
  }

  finish(output: Tensor): PortableGraph {
    const last = this.names.get(output.id);
    const rename = (name: string) => (name === last ? "probabilities" : name);
    const nodes = this.nodes.map((node) => ({
      ...node,
      name: rename(node.name),
      inputs: node.inputs.map(rename),
    }));
    const { input, weights } = this;
    return {
      input: { name: "image", shape: input.shape },
      output: { name: "probabilities", shape: output.shape },
      nodes,
      weights,
    };
  }

  private setName(tensor: Tensor, name: string): void {
    this.names.set(tensor.id, name);
    this.live.add(tensor.id);
  }

  private nameOf(tensor: Tensor): string {
    const known = this.names.get(tensor.id);
    if (known !== undefined) return known;
    const name = `w${this.weights.length}`;
    this.weights.push({ name, shape: tensor.shape, values: Float32Array.from(tensor.dataSync()) });
    this.names.set(tensor.id, name);
    return name;
  }
}
