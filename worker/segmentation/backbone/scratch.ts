/**
 * The built-in network for when no backbone is given: a small pre-norm-free ResNet (He 2016, arXiv 1512.03385), one
 * basic block per stride, with group norm in place of batch norm. 0.6 M parameters at the default widths.
 */
import { conv, convDef, norm, normDefs, type Params } from "../nn/conv.js";
import { relu } from "../nn/relu.js";
import type { ParamDef } from "../params.js";
import type { Tensor4D, Tf } from "../tf.js";
import type { Backbone } from "./backbone.js";

const stemChannels = 16;

export function scratchBackbone(tf: Tf, widths: readonly number[], learningRateScale: number): Backbone {
  const stages = widths.map((to, i) => ({ name: `backbone/stage${i + 1}`, from: widths[i - 1] ?? stemChannels, to }));
  const defs = [
    convDef("backbone/stem", 3, 3, stemChannels),
    ...normDefs("backbone/stem", stemChannels),
    ...stages.flatMap(({ name, from, to }) => blockDefs(name, from, to)),
  ];
  return {
    channels: widths,
    defs: defs.map((def) => ({ ...def, learningRateScale })),
    variables: new Map(),
    frozen: learningRateScale === 0,
    taps: (x, params) => {
      let y = norm(tf, conv(tf, x, params, "backbone/stem", 2), params, "backbone/stem", true);
      return stages.map(({ name }) => {
        y = block(tf, y, params, name);
        return y;
      });
    },
    dispose: () => {},
  };
}

/** Halves the size: 3x3/2, norm, ReLU, 3x3, norm, plus a 1x1/2 shortcut; ReLU. */
function block(tf: Tf, x: Tensor4D, params: Params, name: string): Tensor4D {
  const y = norm(tf, conv(tf, x, params, `${name}/a`, 2), params, `${name}/a`, true);
  const z = norm(tf, conv(tf, y, params, `${name}/b`), params, `${name}/b`, false);
  return relu(tf, z.add(conv(tf, x, params, `${name}/shortcut`, 2)) as Tensor4D);
}

function blockDefs(name: string, from: number, to: number): ParamDef[] {
  return [
    convDef(`${name}/a`, 3, from, to),
    ...normDefs(`${name}/a`, to),
    convDef(`${name}/b`, 3, to, to),
    ...normDefs(`${name}/b`, to),
    convDef(`${name}/shortcut`, 1, from, to, 1),
  ];
}
