/**
 * The built-in networks for when no backbone is given: four stages that halve the size, with group norm in place of batch
 * norm, and a tap that is never negative.
 *
 *   resnet     one basic block each (He 2016, arXiv 1512.03385); 0.44 M parameters at the default widths
 *   mobilenet  two depthwise separable convolutions each (Howard 2017, arXiv 1704.04861), the second with a shortcut;
 *              an eighth of that
 */
import type { MethodConfig } from "../../../shared/config/method.js";
import { conv, convDef, depthwise, depthwiseDef, norm, normDefs, type Params } from "../nn/conv.js";
import { relu } from "../nn/relu.js";
import type { ParamDef } from "../params.js";
import type { Tensor4D, Tf } from "../tf.js";
import { type Backbone, type BackboneTraining, tapStrides } from "./backbone.js";

const stemChannels = 16;

interface BlockKind {
  readonly defs: (name: string, from: number, to: number) => ParamDef[];
  readonly apply: (tf: Tf, x: Tensor4D, params: Params, name: string) => Tensor4D;
}

const kinds: Readonly<Record<MethodConfig["scratch"]["kind"], BlockKind>> = {
  resnet: { defs: basicDefs, apply: basicBlock },
  mobilenet: { defs: separableDefs, apply: separableBlock },
};

export function scratchBackbone(
  tf: Tf,
  { kind, widths }: MethodConfig["scratch"],
  { rate, fromStride }: BackboneTraining,
): Backbone {
  const block = kinds[kind];
  const stages = widths.map((to, i) => ({ name: `backbone/stage${i + 1}`, from: widths[i - 1] ?? stemChannels, to }));
  /** The stem leads to the finest tap. */
  const rateOf = (stride: number) => (stride < fromStride ? 0 : rate);
  const scaled = (defs: ParamDef[], stride: number) =>
    defs.map((def) => ({ ...def, learningRateScale: rateOf(stride) }));
  const stem = [convDef("backbone/stem", 3, 3, stemChannels), ...normDefs("backbone/stem", stemChannels)];
  return {
    channels: widths,
    defs: [
      ...scaled(stem, tapStrides[0]),
      ...stages.flatMap(({ name, from, to }, i) => scaled(block.defs(name, from, to), tapStrides[i]!)),
    ],
    variables: new Map(),
    frozen: rate === 0,
    taps: (x, params) => {
      let y = norm(tf, conv(tf, x, params, "backbone/stem", 2), params, "backbone/stem", true);
      return stages.map(({ name }) => {
        y = block.apply(tf, y, params, name);
        return y;
      });
    },
    dispose: () => {},
  };
}

/** Halves the size: 3x3/2, norm, ReLU, 3x3, norm, plus a 1x1/2 shortcut; ReLU. */
function basicBlock(tf: Tf, x: Tensor4D, params: Params, name: string): Tensor4D {
  const y = norm(tf, conv(tf, x, params, `${name}/a`, 2), params, `${name}/a`, true);
  const z = norm(tf, conv(tf, y, params, `${name}/b`), params, `${name}/b`, false);
  return relu(tf, z.add(conv(tf, x, params, `${name}/shortcut`, 2)) as Tensor4D);
}

function basicDefs(name: string, from: number, to: number): ParamDef[] {
  return [
    convDef(`${name}/a`, 3, from, to),
    ...normDefs(`${name}/a`, to),
    convDef(`${name}/b`, 3, to, to),
    ...normDefs(`${name}/b`, to),
    convDef(`${name}/shortcut`, 1, from, to, 1),
  ];
}

/** Halves the size: separable 3x3/2, ReLU, separable 3x3, plus what went into the second; ReLU. */
function separableBlock(tf: Tf, x: Tensor4D, params: Params, name: string): Tensor4D {
  const y = separable(tf, x, params, `${name}/a`, 2, true);
  return relu(tf, separable(tf, y, params, `${name}/b`, 1, false).add(y) as Tensor4D);
}

function separable(tf: Tf, x: Tensor4D, params: Params, name: string, stride: 1 | 2, withRelu: boolean): Tensor4D {
  const y = norm(tf, depthwise(tf, x, params, `${name}/depthwise`, stride), params, `${name}/depthwise`, true);
  return norm(tf, conv(tf, y, params, `${name}/pointwise`), params, `${name}/pointwise`, withRelu);
}

function separableDefs(name: string, from: number, to: number): ParamDef[] {
  const layer = (part: string, inputs: number) => [
    depthwiseDef(`${name}/${part}/depthwise`, 3, inputs),
    ...normDefs(`${name}/${part}/depthwise`, inputs),
    convDef(`${name}/${part}/pointwise`, 1, inputs, to),
    ...normDefs(`${name}/${part}/pointwise`, to),
  ];
  return [...layer("a", from), ...layer("b", to)];
}
