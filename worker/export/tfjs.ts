/** A tfjs GraphModel: model.json and weights.bin, which `tf.loadGraphModel` reads. Pure. */
import type { PortableGraph } from "../../shared/data/portable-graph.js";
import { seedgrowVersion } from "../../shared/version.js";
import { dtypeOf, graphDefOf, tensorInfoOf } from "./graph-def.js";

export interface TfjsFiles {
  readonly modelJson: string;
  readonly weights: Uint8Array;
}

/** `about`: goes to userDefinedMetadata. */
export function tfjsModel(graph: PortableGraph, about: object): TfjsFiles {
  const { nodes, constants } = graphDefOf(graph);
  const weights = constants.map((constant) => {
    const dtype = dtypeOf(constant) === "DT_INT32" ? "int32" : "float32";
    return { name: constant.name, shape: constant.shape, dtype };
  });
  const modelJson = {
    format: "graph-model",
    generatedBy: `seedgrow ${seedgrowVersion}`,
    convertedBy: null,
    signature: {
      inputs: { [graph.input.name]: tensorInfoOf(graph.input) },
      outputs: { [graph.output.name]: tensorInfoOf(graph.output) },
    },
    userDefinedMetadata: about,
    modelTopology: { node: nodes, library: {}, versions: { producer: 1395 } },
    weightsManifest: [{ paths: ["weights.bin"], weights }],
  };
  const bytes = Buffer.concat(
    constants.map(({ values }) => new Uint8Array(values.buffer, values.byteOffset, values.byteLength)),
  );
  return { modelJson: JSON.stringify(modelJson), weights: bytes };
}
