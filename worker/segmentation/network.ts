/**
 * The segmentation network: DFN's Smooth Network (Yu et al. 2018, arXiv 1804.09337, section 3.2) over the four taps.
 *
 *   stride 32 ─ RRB ─ CAB ─ RRB ─┬─ head          the high input of the first CAB is the global average pool
 *   stride 16 ─ RRB ─ CAB ─ RRB ─┤─ head          RRB unifies channels and refines (residual)
 *   stride  8 ─ RRB ─ CAB ─ RRB ─┤─ head          CAB lets the coarse, sure features choose among the fine ones
 *   stride  4 ─ RRB ─ CAB ─ RRB ─┴─ head
 *
 * Differences: group norm for batch norm (a micro-batch must be a pure function), plain 1x1 heads, half-pixel
 * enlargement, and 64 channels rather than 512, since a backbone for CPUs has 20 times fewer than ResNet-101.
 */
import type { MethodConfig } from "../../shared/config/method.js";
import type { Backbone } from "./backbone/backbone.js";
import { conv, convDef, head, headDefs, norm, normDefs, type Params } from "./nn/conv.js";
import { relu } from "./nn/relu.js";
import { upsample } from "./nn/upsample.js";
import { constant, kernel, type ParamDef } from "./params.js";
import type { Tensor2D, Tensor4D, Tf } from "./tf.js";

export interface SegmentationNetwork {
  readonly defs: readonly ParamDef[];
  /** Logits [N, h, w, K + 1] at the strides that are supervised, finest (stride 4) first. */
  logits(taps: readonly Tensor4D[], params: Params, allStrides: boolean): Tensor4D[];
}

export function smoothNetwork(
  tf: Tf,
  backbone: Backbone,
  config: MethodConfig["segmenter"],
  labelCount: number,
): SegmentationNetwork {
  const width = config.channels;
  const strides = [4, 8, 16, 32];
  return {
    defs: [
      ...backbone.defs,
      ...globalDefs(backbone.channels[3]!, width),
      ...strides.flatMap((stride, i) => stageDefs(stride, backbone.channels[i]!, width, labelCount, config)),
    ],
    logits: (taps, params, allStrides) => {
      let high = globalContext(tf, taps[3]!, params);
      const outputs: Tensor4D[] = [];
      for (const i of [3, 2, 1, 0]) {
        const name = `dfn/${strides[i]}`;
        const low = refinementResidual(tf, taps[i]!, params, `${name}/in`);
        const [, h, w] = low.shape;
        const attended = channelAttention(tf, low, upsample(tf, high, h, w), params, `${name}/attention`);
        high = refinementResidual(tf, attended, params, `${name}/out`);
        if (i === 0 || allStrides) outputs.unshift(head(tf, high, params, `${name}/head`));
      }
      return outputs;
    },
  };
}

/** The top of the V: global average pool, 1x1, ReLU. No norm: a 1x1 map has no statistics. */
function globalContext(tf: Tf, top: Tensor4D, params: Params): Tensor4D {
  const pooled = top.mean([1, 2], true) as Tensor4D;
  return relu(tf, head(tf, pooled, params, "dfn/global"));
}

function globalDefs(from: number, width: number): ParamDef[] {
  return [convDef("dfn/global", 1, from, width), constant("dfn/global/bias", width, 0)];
}

/** RRB: x = 1x1(input); ReLU(x + 3x3(ReLU(norm(3x3(x))))). */
export function refinementResidual(tf: Tf, input: Tensor4D, params: Params, name: string): Tensor4D {
  const x = head(tf, input, params, `${name}/unify`);
  const y = norm(tf, conv(tf, x, params, `${name}/a`), params, `${name}/a`, true);
  return relu(tf, x.add(conv(tf, y, params, `${name}/b`)) as Tensor4D);
}

export function refinementDefs(name: string, from: number, width: number): ParamDef[] {
  return [
    convDef(`${name}/unify`, 1, from, width, 1),
    constant(`${name}/unify/bias`, width, 0),
    convDef(`${name}/a`, 3, width, width),
    ...normDefs(`${name}/a`, width),
    convDef(`${name}/b`, 3, width, width, 0.5),
  ];
}

/** CAB: a = sigmoid(fc(ReLU(fc(pool(low, high))))); low * a + high. */
function channelAttention(tf: Tf, low: Tensor4D, high: Tensor4D, params: Params, name: string): Tensor4D {
  const pooled = tf.concat([low.mean([1, 2]), high.mean([1, 2])], 1) as Tensor2D;
  const hidden = pooled.matMul(params(`${name}/a/kernel`) as Tensor2D).add(params(`${name}/a/bias`));
  const scores = relu(tf, hidden)
    .matMul(params(`${name}/b/kernel`) as Tensor2D)
    .add(params(`${name}/b/bias`));
  const [n, c] = scores.shape as [number, number];
  return low.mul(scores.sigmoid().reshape([n, 1, 1, c])).add(high) as Tensor4D;
}

function attentionDefs(name: string, width: number): ParamDef[] {
  return [
    kernel(`${name}/a/kernel`, [2 * width, width]),
    constant(`${name}/a/bias`, width, 0),
    kernel(`${name}/b/kernel`, [width, width], 1),
    constant(`${name}/b/bias`, width, 0),
  ];
}

function stageDefs(
  stride: number,
  from: number,
  width: number,
  labelCount: number,
  config: MethodConfig["segmenter"],
): ParamDef[] {
  const name = `dfn/${stride}`;
  const supervised = stride === 4 || config.deepSupervision > 0;
  return [
    ...refinementDefs(`${name}/in`, from, width),
    ...attentionDefs(`${name}/attention`, width),
    ...refinementDefs(`${name}/out`, width, width),
    ...(supervised ? headDefs(`${name}/head`, width, labelCount) : []),
  ];
}
