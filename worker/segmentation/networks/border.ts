/**
 * DFN's Border Network (Yu 2018, section 3.3), bottom-up: the fine taps know where edges are, the coarse ones which of
 * them are borders of objects. Trained with losses/border.ts; it answers nothing at prediction time and shapes the
 * backbone that it shares with the Smooth Network. So it needs a backbone that learns (segmenter.backboneRate > 0).
 *
 *   stride  4 ─ RRB ──────────────┬─ head
 *   stride  8 ─ RRB ─ enlarge ─(+)─ RRB ─┬─ head
 *   stride 16 ─ RRB ─ enlarge ─(+)─ RRB ─┬─ head
 *   stride 32 ─ RRB ─ enlarge ─(+)─ RRB ──── head
 *
 * The paper gives every RRB one channel per class; here a multiple of 8, for the groups of the norm.
 */
import type { Backbone } from "../backbone/backbone.js";
import { refinementDefs, refinementResidual } from "../network.js";
import { head, headDefs, type Params } from "../nn/conv.js";
import { upsample } from "../nn/upsample.js";
import type { ParamDef } from "../params.js";
import type { Tensor4D, Tf } from "../tf.js";

export interface BorderNetwork {
  readonly defs: readonly ParamDef[];
  /** Border logits [N, h, w, 1] at stride 4, one map per stage, finest stage first. */
  logits(taps: readonly Tensor4D[], params: Params): Tensor4D[];
}

export function borderNetwork(tf: Tf, backbone: Backbone, labelCount: number): BorderNetwork {
  const width = 8 * Math.ceil(labelCount / 8);
  const stages = backbone.channels.map((from, i) => ({ name: `border/${4 * 2 ** i}`, from, isFirst: i === 0 }));
  return {
    defs: stages.flatMap(({ name, from, isFirst }) => [
      ...refinementDefs(`${name}/in`, from, width),
      ...(isFirst ? [] : refinementDefs(`${name}/out`, width, width)),
      ...headDefs(`${name}/head`, width, 1),
    ]),
    logits: (taps, params) => {
      const [, h, w] = taps[0]!.shape;
      let running: Tensor4D | null = null;
      return stages.map(({ name }, i) => {
        const own = upsample(tf, refinementResidual(tf, taps[i]!, params, `${name}/in`), h, w);
        running = running ? refinementResidual(tf, running.add(own) as Tensor4D, params, `${name}/out`) : own;
        return head(tf, running, params, `${name}/head`);
      });
    },
  };
}
