/** Convolutions by parameter name. "same" padding throughout; a norm that follows takes the place of the bias. */
import { constant, kernel, type ParamDef } from "../params.js";
import type { Tensor, Tensor4D, Tf } from "../tf.js";
import { groupNorm } from "./group-norm.js";

/** Reads a parameter by name. */
export type Params = (name: string) => Tensor;

/** Channels per group of the norm: 8 keeps a group's statistics stable at stride 32, where a crop has few pixels. */
const channelsPerGroup = 8;

export function conv(tf: Tf, x: Tensor4D, params: Params, name: string, stride = 1): Tensor4D {
  return tf.conv2d(x, params(`${name}/kernel`) as Tensor4D, stride, "same");
}

export function convDef(name: string, side: number, from: number, to: number, gain?: number): ParamDef {
  return kernel(`${name}/kernel`, [side, side, from, to], gain);
}

/** One filter per channel. */
export function depthwise(tf: Tf, x: Tensor4D, params: Params, name: string, stride = 1): Tensor4D {
  return tf.depthwiseConv2d(x, params(`${name}/kernel`) as Tensor4D, stride, "same");
}

/** He's variance again: a cell sees one channel. */
export function depthwiseDef(name: string, side: number, channels: number): ParamDef {
  const start = { deviation: Math.sqrt(2 / (side * side)) };
  return { ...kernel(`${name}/kernel`, [side, side, channels, 1]), start };
}

/** A 1x1 convolution with bias: the last layer of a head. */
export function head(tf: Tf, x: Tensor4D, params: Params, name: string): Tensor4D {
  return conv(tf, x, params, name).add(params(`${name}/bias`)) as Tensor4D;
}

/** Heads start small (gain 0.02), so that training starts from "equally likely". */
export function headDefs(name: string, from: number, to: number): ParamDef[] {
  return [convDef(name, 1, from, to, 0.02), constant(`${name}/bias`, to, 0)];
}

export function norm(tf: Tf, x: Tensor4D, params: Params, name: string, relu: boolean): Tensor4D {
  const groups = Math.max(1, Math.floor(x.shape[3] / channelsPerGroup));
  return groupNorm(tf, x, params(`${name}/scale`), params(`${name}/shift`), { groups, relu });
}

export function normDefs(name: string, channels: number, scale = 1): ParamDef[] {
  return [constant(`${name}/scale`, channels, scale), constant(`${name}/shift`, channels, 0)];
}
