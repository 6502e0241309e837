/**
 * Compiled functions on libtensorflow, as `tf.function` has them in Python: every TensorFlow operation that a function executes
 * once is recorded as a node of a graph, and from then on the graph runs in a session. There TensorFlow fuses convolutions
 * with biases and activations (tfjs cannot ask for that), frees what nobody needs any more, and nothing happens in JavaScript.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { MathMode } from "../../shared/config/method.js";
import type { Compile, Formula } from "../segmentation/compiled.js";
import type { Tensor, Tf } from "../segmentation/tf.js";
import { inBfloat16 } from "./bfloat16.js";
import { withBiasOps } from "./bias-ops.js";
import { constantAttr, type GraphNode, shapeProto } from "./graph-nodes.js";
import { HollowTensors, type TensorHolder } from "./hollow.js";
import { withMatrixProducts } from "./matrix-products.js";

type DataId = object;

interface Attribute {
  readonly name: string;
  readonly type: number;
  readonly value: unknown;
}

type Execute = (name: string, attributes: readonly Attribute[], inputs: readonly Tensor[], count?: number) => unknown;

/** The parts of tfjs-node's backend that its types leave out. */
interface NodeBackend extends TensorHolder {
  readonly binding: TensorHolder["binding"] & Readonly<Record<string, unknown>>;
  readonly isUsingGpuDevice: boolean;
  executeSingleOutput: Execute;
  executeMultipleOutputs: Execute;
  readSync: (dataId: DataId) => NodeJS.TypedArray;
  readonly loadSavedModelMetaGraph: (dir: string, tags: string) => number;
  readonly deleteSavedModel: (id: number) => void;
  readonly runSavedModel: (
    id: number,
    inputs: readonly Tensor[],
    infos: readonly { readonly name: string }[],
    outputs: readonly string[],
  ) => Tensor[];
}

/** Types of inputs, in order, that tfjs leaves for TensorFlow to infer; a graph must name them. */
const inferred: Readonly<Record<string, readonly string[]>> = { ExpandDims: ["T", "Tdim"] };

interface Graph {
  readonly nodes: readonly GraphNode[];
  readonly inputs: readonly string[];
  readonly output: string;
}

/** Hears of each new graph: the folder of a SavedModel, which is gone when it returns, and the name of its output. */
export type WatchGraph = (dir: string, output: string) => void;

/** Of the GPU nobody has measured what it brings, so there is none. `watch`: for those who want to time its operations. */
export function sessionCompiler(tf: Tf, watch?: WatchGraph): Compile | null {
  const backend = tf.backend() as unknown as NodeBackend;
  if (backend.isUsingGpuDevice) return null;
  return async (build) => {
    const graph = recorded(tf, backend, build);
    const id = await load(backend, graph, watch);
    const infos = graph.inputs.map((name) => ({ name }));
    return {
      run: (inputs) => backend.runSavedModel(id, inputs, infos, [graph.output])[0]!,
      dispose: () => backend.deleteSavedModel(id),
    };
  };
}

/** Not as what tf.tidy returns: it looks for tensors in all of that, number by number. */
function recorded(tf: Tf, backend: NodeBackend, build: () => Formula): Graph {
  let graph: Graph | null = null;
  tf.tidy(() => {
    const formula = build();
    graph = lowered(record(backend, formula), formula.math ?? "f32");
  });
  return graph!;
}

/** What TensorFlow computes faster than what tfjs says. */
function lowered({ nodes, inputs, output }: Graph, math: MathMode): Graph {
  const fused = withMatrixProducts(withBiasOps(nodes));
  if (math === "f32") return { nodes: fused, inputs, output };
  return { ...inBfloat16(fused, output), inputs };
}

/** Runs the function once, operation by operation. */
function record(backend: NodeBackend, { inputs, value }: Formula): Graph {
  const recorder = new Recorder(backend);
  const names = inputs.map((input) => recorder.placeholder(input));
  const tensors = new HollowTensors(backend);
  const { executeSingleOutput, executeMultipleOutputs, readSync } = backend;
  const watched = (execute: Execute): Execute => {
    return (name, attributes, from, count) => {
      tensors.fill(from);
      const result = execute.call(backend, name, attributes, from, count);
      const outputs = [result].flat() as Tensor[];
      recorder.operation(name, attributes, from, outputs);
      tensors.hollow(from, outputs);
      return result;
    };
  };
  backend.executeSingleOutput = watched(executeSingleOutput);
  backend.executeMultipleOutputs = watched(executeMultipleOutputs);
  backend.readSync = (dataId) => {
    tensors.requireGiven(dataId);
    return readSync.call(backend, dataId);
  };
  try {
    return { inputs: names, output: recorder.nameOf(value()), nodes: recorder.nodes };
  } finally {
    Object.assign(backend, { executeSingleOutput, executeMultipleOutputs, readSync });
  }
}

class Recorder {
  readonly nodes: GraphNode[] = [];
  private readonly names = new Map<DataId, string>();

  constructor(private readonly backend: NodeBackend) {}

  placeholder(tensor: Tensor): string {
    const dtype = { type: this.typeOf(tensor) };
    return this.add("Placeholder", [], { dtype, shape: { shape: shapeProto(tensor.shape) } }, [tensor]);
  }

  operation(op: string, attributes: readonly Attribute[], inputs: readonly Tensor[], outputs: readonly Tensor[]): void {
    const names = inputs.map((input) => this.nameOf(input));
    const given = attributes.map((one) => [one.name, this.attribute(one)] as const);
    const types = (inferred[op] ?? []).map((name, i) => [name, { type: this.typeOf(inputs[i]!) }] as const);
    this.add(op, names, Object.fromEntries([...given, ...types]), outputs);
  }

  /** What no operation has made is a constant: shapes, matrices that depend on shapes, the weights of a frozen backbone. */
  nameOf(tensor: Tensor): string {
    const known = this.names.get(tensor.dataId);
    if (known !== undefined) return known;
    const dtype = this.typeOf(tensor);
    const { buffer, byteOffset, byteLength } = this.backend.readSync(tensor.dataId);
    const content = new Uint8Array(buffer, byteOffset, byteLength).slice();
    return this.add("Const", [], constantAttr(dtype, tensor.shape, content), [tensor]);
  }

  private add(op: string, input: readonly string[], attr: GraphNode["attr"], outputs: readonly Tensor[]): string {
    const name = `n${this.nodes.length}`;
    this.nodes.push({ name, op, input, attr, shape: outputs[0]!.shape });
    outputs.forEach(({ dataId }, i) => {
      this.names.set(dataId, i === 0 ? name : `${name}:${i}`);
    });
    return name;
  }

  private typeOf({ dtype }: Tensor): number {
    return this.backend.getDTypeInteger(dtype);
  }

  private attribute({ name, type, value }: Attribute): object {
    const { binding } = this.backend;
    switch (type) {
      case binding.TF_ATTR_TYPE:
        return { type: value };
      case binding.TF_ATTR_INT:
        return Array.isArray(value) ? { list: { i: value } } : { i: value };
      case binding.TF_ATTR_BOOL:
        return { b: value };
      case binding.TF_ATTR_FLOAT:
        return { f: value };
      case binding.TF_ATTR_STRING:
        return { s: Buffer.from(value as string) };
      default:
        throw new Error(`attribute ${name} of type ${type} cannot be recorded`);
    }
  }
}

/** libtensorflow takes graphs from folders only. */
async function load(backend: NodeBackend, { nodes, output }: Graph, watch?: WatchGraph): Promise<number> {
  const metaGraph = {
    metaInfoDef: { tags: ["serve"], tensorflowVersion: "2.21.0" },
    graphDef: { node: nodes, versions: { producer: 1395 } },
  };
  const model = { savedModelSchemaVersion: 1, metaGraphs: [metaGraph] };
  const { encodeMessage } = await import("../export/protobuf.js");
  const dir = await mkdtemp(join(tmpdir(), "seedgrow-graph-"));
  try {
    await writeFile(
      join(dir, "saved_model.pb"),
      await encodeMessage("saved-model.proto", "tensorflow.SavedModel", model),
    );
    watch?.(dir, output);
    return backend.loadSavedModelMetaGraph(dir, "serve");
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}
