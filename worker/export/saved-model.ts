/**
 * A TensorFlow SavedModel with one signature, "serving_default". The weights are constants of the graph, so there is a
 * single file, saved_model.pb, and no variables folder; TensorFlow 1 and 2 and libtensorflow load it.
 */
import type { PortableGraph } from "../../shared/data/portable-graph.js";
import { graphDefOf, type NodeDef, tensorInfoOf } from "./graph-def.js";
import { encodeMessage } from "./protobuf.js";

export async function savedModel(graph: PortableGraph): Promise<Uint8Array> {
  const { nodes, constants } = graphDefOf(graph);
  const values = new Map(constants.map((constant) => [constant.name, constant.values]));
  const metaGraph = {
    metaInfoDef: { tags: ["serve"], tensorflowVersion: "2.21.0" },
    graphDef: { node: nodes.map((node) => withValues(node, values.get(node.name))), versions: { producer: 1395 } },
    signatureDef: {
      serving_default: {
        inputs: { [graph.input.name]: tensorInfoOf(graph.input) },
        outputs: { [graph.output.name]: tensorInfoOf(graph.output) },
        methodName: "tensorflow/serving/predict",
      },
    },
  };
  return encodeMessage("saved-model.proto", "tensorflow.SavedModel", {
    savedModelSchemaVersion: 1,
    metaGraphs: [metaGraph],
  });
}

function withValues(node: NodeDef, values: Float32Array | Int32Array | undefined): object {
  if (!values) return node;
  const { value } = node.attr as { value: { tensor: object } };
  const tensorContent = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return { ...node, attr: { ...node.attr, value: { tensor: { ...value.tensor, tensorContent } } } };
}
