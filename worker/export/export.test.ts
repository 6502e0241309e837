/** What other programs make of an exported model: the same probabilities, and so the same masks. */
import * as tf from "@tensorflow/tfjs";
import protobuf from "protobufjs";
import { beforeAll, describe, expect, test } from "vitest";
import type { PortableGraph } from "../../shared/data/portable-graph.js";
import type { Compute } from "../compute/contract.js";
import { labelsFrom, rawLabelsFrom } from "../segmentation/prediction.js";
import { squarePicture, tinyMethod, wildCompute } from "../segmentation/testing.js";
import { onnxModel } from "./onnx.js";
import { savedModel } from "./saved-model.js";
import { tfjsModel } from "./tfjs.js";

const method = { ...tinyMethod, predict: { ...tinyMethod.predict, scales: [1, 2] } };
const { pixels } = squarePicture(0, [1, 2]);
const photo = { image: 0, pixels, width: 50, height: 40, allowed: null };
let compute: Compute;
let graph: PortableGraph;

beforeAll(async () => {
  compute = await wildCompute(method);
  graph = compute.graph();
}, 60_000);

async function probabilitiesByTfjs(): Promise<Float32Array> {
  const { modelJson, weights } = tfjsModel(graph, {});
  const { modelTopology, weightsManifest, signature, format } = JSON.parse(modelJson);
  const weightData = new Uint8Array(weights).buffer;
  const artifacts = { modelTopology, weightSpecs: weightsManifest[0].weights, weightData, signature, format };
  const model = await tf.loadGraphModel(tf.io.fromMemory(artifacts));
  return (await (
    model.predict(tf.tensor4d(Float32Array.from(pixels), [1, 32, 32, 3])) as tf.Tensor
  ).data()) as Float32Array;
}

describe("a model in plain tfjs", () => {
  test("gives the masks of `predict`, refined by the same code, and those of `predict --raw` by itself", async () => {
    const probabilities = await probabilitiesByTfjs();
    expect(probabilities).toHaveLength(graph.output.shape.reduce((product, side) => product * side, 1));
    const input = { probabilities, classCount: 2, pixels, width: 50, height: 40, allowed: null };
    const [refined] = await compute.predict([photo]);
    const [raw] = await compute.predict([{ ...photo, raw: true }]);
    expect(new Set(raw!.labels).size).toBeGreaterThan(1);
    expect(await labelsFrom(method, input)).toEqual(refined!.labels);
    expect(rawLabelsFrom(method, input)).toEqual(raw!.labels);
  });

  test("carries each weight once, and no constant that could be folded", () => {
    expect(new Set(graph.weights.map(({ name }) => name)).size).toBe(graph.weights.length);
    const live = new Set([graph.input.name, ...graph.nodes.map(({ name }) => name)]);
    for (const { inputs } of graph.nodes) expect(inputs.some((input) => live.has(input))).toBe(true);
  });
});

/** Reads back with the full names of the published schema's fields that it uses. */
async function decoded(file: string, type: string, bytes: Uint8Array) {
  const root = await protobuf.load(new URL(file, import.meta.url).pathname);
  return root.lookupType(type).toObject(root.lookupType(type).decode(bytes), { longs: Number, enums: String });
}

test("a SavedModel names its input and output, and holds every weight", async () => {
  const model = await decoded("saved-model.proto", "tensorflow.SavedModel", await savedModel(graph));
  const [meta] = model.metaGraphs;
  expect(meta.signatureDef.serving_default).toMatchObject({
    inputs: { image: { name: "image:0", dtype: "DT_FLOAT" } },
    outputs: { probabilities: { name: "probabilities:0" } },
  });
  const constants = meta.graphDef.node.filter(({ op }: { op: string }) => op === "Const");
  expect(constants.length).toBeGreaterThanOrEqual(graph.weights.length);
});

test("an ONNX model has its nodes in an order that can run, each input known", async () => {
  const model = await decoded("onnx.proto", "onnx.ModelProto", await onnxModel(graph, {}));
  const known = new Set<string>(["", "image", ...model.graph.initializer.map(({ name }: { name: string }) => name)]);
  for (const { input, output } of model.graph.node) {
    for (const name of input) expect(known).toContain(name);
    for (const name of output) known.add(name);
  }
  expect(known).toContain("probabilities");
});
