/**
 * A capsule decoder after SegCaps (LaLonde and Bagci 2018, arXiv 1804.04241): features become groups of 8 numbers whose
 * direction is a pose and whose length a probability; every group votes, through a 3x3 window, for one capsule per
 * class, and routing by agreement decides who is heard.
 *
 *   taps 8, 16, 32 ─ 1x1 ─ sum ─ ReLU ─ 3x3 ─ squash ─ primary capsules ─ 3x3 votes ─ routing (3) ─ length = class
 *
 * Differences: one routing layer on top of a convolutional backbone, not a U of capsules, since votes cost
 * children x classes x pose numbers per place: stride 8 and 8 children keep that below the backbone's features. The
 * lengths times a learnt gain are the logits of the usual losses, in place of the margin loss, and there is no
 * reconstruction branch.
 */
import type { Backbone } from "../backbone/backbone.js";
import type { SegmentationNetwork } from "../network.js";
import { conv, convDef, head, norm, normDefs, type Params } from "../nn/conv.js";
import { upsample } from "../nn/upsample.js";
import { constant, type ParamDef } from "../params.js";
import type { Tensor4D, Tf } from "../tf.js";
import { route, squash } from "./routing.js";

const children = 8;
const pose = 8;
/** SegCaps routes three times. */
const iterations = 3;
/** Lengths lie in 0..1, logits should reach a few: softmax of 0 and 10 is as good as certain. */
const gainStart = 10;

export function capsuleNetwork(tf: Tf, backbone: Backbone, width: number, labelCount: number): SegmentationNetwork {
  const inputs = [1, 2, 3].map((tap) => ({ tap, name: `capsule/in${4 * 2 ** tap}`, from: backbone.channels[tap]! }));
  const childNames = Array.from({ length: children }, (_, i) => `capsule/vote${i}`);
  return {
    defs: [
      ...backbone.defs,
      ...inputs.flatMap(({ name, from }) => [convDef(name, 1, from, width), constant(`${name}/bias`, width, 0)]),
      ...normDefs("capsule/in", width),
      convDef("capsule/primary", 3, width, children * pose, 1),
      constant("capsule/primary/bias", children * pose, 0),
      ...childNames.map((name) => voteDef(name, labelCount)),
      constant("capsule/gain", 1, gainStart),
    ],
    logits: (taps, params) => {
      const [n, h, w] = taps[1]!.shape;
      const parts = inputs.map(({ tap, name }) => upsample(tf, head(tf, taps[tap]!, params, name), h, w));
      const features = norm(tf, tf.addN(parts) as Tensor4D, params, "capsule/in", true);
      const primary = head(tf, features, params, "capsule/primary").reshape([n * h * w, children, pose]);
      const poses = squash(primary).reshape([n, h, w, children * pose]) as Tensor4D;
      const votes = votesOf(tf, poses, params, childNames, labelCount);
      const { lengths_MJ } = route(tf, votes, iterations);
      return [lengths_MJ.mul(params("capsule/gain")).reshape([n, h, w, labelCount]) as Tensor4D];
    },
  };
}

/** Each child's window of poses, times its own matrix: [places, children, labels, pose]. */
function votesOf(tf: Tf, poses: Tensor4D, params: Params, childNames: readonly string[], labelCount: number): Tensor4D {
  const [n, h, w] = poses.shape;
  const votes = tf.split(poses, children, 3).map((own, i) => conv(tf, own as Tensor4D, params, childNames[i]!));
  return tf.stack(votes, 3).reshape([n * h * w, children, labelCount, pose]) as Tensor4D;
}

/** Poses are shorter than 1, so votes start with a larger variance than a ReLU's: sums of 8 children pass squash's bend. */
function voteDef(name: string, labelCount: number): ParamDef {
  return convDef(name, 3, pose, labelCount * pose, 8);
}
