/**
 * A backbone from a file: any tfjs LayersModel that has an activation at strides 4, 8, 16 and 32. The last activation at
 * each stride is the tap, unless seedgrow.json beside the model names others. Found by running a small image, so that
 * nothing has to be known about the architecture.
 */
import { z } from "zod";
import { AppError } from "../../../shared/errors.js";
import type { BackboneFiles } from "../../compute/contract.js";
import { relu, relu6 } from "../nn/relu.js";
import type { ParamDef } from "../params.js";
import type { LayersModel, Tensor, Tensor4D, Tf, Variable } from "../tf.js";
import { type Backbone, type BackboneTraining, tapStrides } from "./backbone.js";

const sidecarSchema = z.strictObject({
  /** The network sees pixel * scale + offset. */
  scale: z.number().default(1 / 127.5),
  offset: z.number().default(-1),
  /** Layer names at strides 4, 8, 16, 32. */
  taps: z.array(z.string()).length(4).optional(),
});

type Layer = LayersModel["layers"][number];

interface Tap {
  readonly layer: Layer;
  readonly stride: number;
  readonly channels: number;
}

/** Side of the probe image: every stride divides it, and stride 32 leaves more than one cell. */
const probeSide = 64;

export async function pretrainedBackbone(tf: Tf, files: BackboneFiles, training: BackboneTraining): Promise<Backbone> {
  const sidecar = readSidecar(files.sidecar);
  const model = await loadModel(tf, files);
  speedUpRelus(tf, model);
  const taps = chooseTaps(tf, model, sidecar.taps);
  const features = tf.model({ inputs: model.inputs, outputs: taps.map(({ layer }) => layer.output as never) });
  const variables = training.rate === 0 ? new Map() : trainableVariables(tf, features, taps, training.fromStride);
  /** From [-1, 1] to what the network was trained on. */
  const scale = sidecar.scale * 127.5;
  const offset = sidecar.scale * 127.5 + sidecar.offset;
  const adapt = (x: Tensor4D): Tensor4D =>
    Math.abs(scale - 1) + Math.abs(offset) < 1e-6 ? x : (x.mul(scale).add(offset) as Tensor4D);
  return {
    channels: taps.map(({ channels }) => channels),
    defs: await Promise.all([...variables].map(([name, variable]) => defOf(name, variable, training.rate))),
    variables,
    frozen: variables.size === 0,
    taps: (x) => features.apply(adapt(x), { training: false }) as Tensor4D[],
    dispose: () => {
      model.dispose();
    },
  };
}

function readSidecar(bytes: Uint8Array | null): z.infer<typeof sidecarSchema> {
  if (!bytes) return sidecarSchema.parse({});
  try {
    return sidecarSchema.parse(JSON.parse(new TextDecoder().decode(bytes)));
  } catch (cause) {
    throw new AppError("BACKBONE_INVALID", `seedgrow.json beside the backbone is not valid: ${String(cause)}`, {
      cause,
    });
  }
}

async function loadModel(tf: Tf, files: BackboneFiles): Promise<LayersModel> {
  try {
    const json = JSON.parse(new TextDecoder().decode(files.modelJson));
    freeInputSize(json.modelTopology);
    const weightSpecs = json.weightsManifest.flatMap((group: { weights: unknown[] }) => group.weights);
    const weightData = files.weights.slice().buffer as ArrayBuffer;
    return await tf.loadLayersModel(tf.io.fromMemory({ modelTopology: json.modelTopology, weightSpecs, weightData }));
  } catch (cause) {
    throw new AppError("BACKBONE_INVALID", `the backbone cannot be loaded as a tfjs LayersModel: ${String(cause)}`, {
      cause,
    });
  }
}

/** Classifiers are often saved for one image size; their convolutions take any. */
function freeInputSize(topology: { model_config?: unknown }): void {
  const model = (topology.model_config ?? topology) as { config: { layers?: LayerJson[] } | LayerJson[] };
  const layers = Array.isArray(model.config) ? model.config : (model.config.layers ?? []);
  for (const { config } of layers) {
    if (config?.batch_input_shape?.length === 4) config.batch_input_shape = [null, null, null, 3];
  }
}

interface LayerJson {
  readonly config?: { batch_input_shape?: (number | null)[] };
}

/** tfjs's layers compose ReLUs with a ceiling from three operations, and every ReLU's gradient from more (nn/relu.ts). */
function speedUpRelus(tf: Tf, model: LayersModel): void {
  for (const layer of model.layers) {
    const fast = fastRelu(layer);
    if (fast) layer.call = (inputs) => fast(tf, Array.isArray(inputs) ? inputs[0]! : inputs);
  }
}

function fastRelu(layer: Layer): typeof relu | null {
  const config = layer.getConfig() as Readonly<Record<string, unknown>>;
  const { activation } = config;
  if (layer.getClassName() === "Activation")
    return activation === "relu" ? relu : activation === "relu6" ? relu6 : null;
  if (layer.getClassName() !== "ReLU" || config.negative_slope || config.negativeSlope || config.threshold) return null;
  const ceiling = config.max_value ?? config.maxValue ?? null;
  return ceiling === 6 ? relu6 : ceiling === null ? relu : null;
}

function chooseTaps(tf: Tf, model: LayersModel, names: readonly string[] | undefined): Tap[] {
  const candidates = model.layers.filter((layer) => (names ? names.includes(layer.name) : isActivation(layer)));
  const found = candidates.length > 0 ? probe(tf, model, candidates) : [];
  return tapStrides.map((stride) => {
    const tap = found.findLast((candidate) => candidate.stride === stride);
    if (tap) return tap;
    const listed = [...new Set(found.map((candidate) => candidate.stride))].join(", ") || "none";
    const wanted = names ? ` among the taps ${names.join(", ")} of seedgrow.json` : "";
    throw new AppError(
      "BACKBONE_INVALID",
      `the backbone has no activation at stride ${stride}${wanted}; strides found: ${listed}`,
    );
  });
}

const activationLayers = new Set(["Activation", "ReLU", "LeakyReLU", "PReLU", "ELU", "ThresholdedReLU"]);

function isActivation(layer: Layer): boolean {
  const { activation } = layer.getConfig() as { activation?: unknown };
  if (activationLayers.has(layer.getClassName())) return true;
  return typeof activation === "string" && activation !== "linear";
}

/** Runs a grey square and reads the strides off the shapes; layers with other than 4 axes (a classifier's) fall out. */
function probe(tf: Tf, model: LayersModel, layers: readonly Layer[]): Tap[] {
  const spatial = layers.filter((layer) => !Array.isArray(layer.output) && layer.output.shape.length === 4);
  if (spatial.length === 0) return [];
  const probed = tf.model({ inputs: model.inputs, outputs: spatial.map((layer) => layer.output as never) });
  const taps: Tap[] = [];
  tf.tidy(() => {
    const outputs = probed.apply(tf.zeros([1, probeSide, probeSide, 3])) as Tensor | Tensor[];
    const list = Array.isArray(outputs) ? outputs : [outputs];
    list.forEach(({ shape }, i) => {
      taps.push({ layer: spatial[i]!, stride: probeSide / shape[1]!, channels: shape[3]! });
    });
  });
  return taps;
}

/** The kernels and biases between the last tap that stays as it was and the last tap, under names of their own. */
function trainableVariables(
  tf: Tf,
  model: LayersModel,
  taps: readonly Tap[],
  fromStride: number,
): Map<string, Variable> {
  const kept = taps.findLast(({ stride }) => stride < fromStride);
  const below = kept ? tf.model({ inputs: model.inputs, outputs: kept.layer.output as never }).trainableWeights : [];
  const frozen = new Set(below.map(({ originalName }) => originalName));
  const learning = model.trainableWeights.filter(({ originalName }) => !frozen.has(originalName));
  const named = learning.map((weight) => {
    const { val } = weight as unknown as { val: Variable };
    /** tfjs makes `name` unique in the process; the original one is the model's own, the same on every worker. */
    return [`backbone/${weight.originalName}`, val] as const;
  });
  return new Map(named);
}

async function defOf(name: string, variable: Variable, learningRateScale: number): Promise<ParamDef> {
  const start = { values: (await variable.data<"float32">()).slice() };
  return { name, shape: variable.shape, learningRateScale, weightDecay: variable.shape.length > 1, start };
}
