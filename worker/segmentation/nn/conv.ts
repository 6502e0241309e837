/** Convolutions by parameter name. "same" padding throughout; a norm that follows takes the place of the bias. */
import { constant, kernel, type ParamDef } from "../params.js";
import type { Tensor, Tensor4D, Tf } from "../tf.js";
import { groupNorm } from "./group-norm.js";

/** Reads a parameter by name. */
export type Params = (name: string) => Tensor;

/** Channels per group of the norm: 8 keeps a group's statistics stable at stride 32, where a crop has few pixels. */
const channelsPerGroup = 8;

/**
 * Channels that oneDNN takes together. With fewer, the gradient of a filter of one cell that skips pixels writes past its memory
 * (https://github.com/uxlfoundation/oneDNN/issues/6035).
 */
const oneDnnBlock = 16;

export function conv(tf: Tf, x: Tensor4D, params: Params, name: string, stride = 1): Tensor4D {
  const kernel = params(`${name}/kernel`) as Tensor4D;
  const [height, width, channels] = kernel.shape;
  const skips = stride > 1 && height * width === 1;
  return skips && channels < oneDnnBlock ? skippingConv(tf, x, kernel, stride) : tf.conv2d(x, kernel, stride, "same");
}

const layout = { pad: "same", dataFormat: "NHWC" } as const;

/** The same; its filter's gradient is that of a convolution of the pixels that it sees. */
function skippingConv(tf: Tf, x_NHWC: Tensor4D, kernel_1CK: Tensor4D, stride: number): Tensor4D {
  const op = tf.customGrad((...inputs) => {
    const [x, kernel, save] = inputs as unknown as [Tensor4D, Tensor4D, (tensors: Tensor[]) => void];
    save([x, kernel]);
    const gradFunc = (dy: Tensor, saved: Tensor[]): Tensor[] => {
      const [all, filter] = saved as [Tensor4D, Tensor4D];
      const run = (name: string, tensors: Record<string, Tensor>, attributes: object) =>
        tf.engine().runKernel(name, tensors as never, { ...attributes, ...layout } as never) as unknown as Tensor;
      const seen = tf.maxPool(all, 1, stride, "same");
      return [
        run("Conv2DBackpropInput", { dy, filter }, { inputShape: all.shape, strides: [stride, stride] }),
        run("Conv2DBackpropFilter", { x: seen, dy }, { filterShape: filter.shape, strides: [1, 1] }),
      ];
    };
    return { value: tf.conv2d(x, kernel, stride, "same"), gradFunc: gradFunc as never };
  });
  return op(x_NHWC, kernel_1CK) as Tensor4D;
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
