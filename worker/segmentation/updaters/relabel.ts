/**
 * Next labels of one image, by the configured updater, from the trained network's refined probabilities:
 *
 *   feedback  Otsu's cut of the probabilities: the network's last answer is the next lesson
 *   boxsup    per tag, one of the 5 cheapest candidate masks (boxsup.ts, candidates.ts)
 *   mcof      per superpixel, the mean of network and RegionNet; in the first round that does not mine, on photos with one tag, joined with what
 *             colours and saliency say (bayes.ts); Otsu's cut
 *
 * Guards against drift follow, whichever it was (labels.ts). MCOF's CRF is a mean over superpixels here: same edges.
 */
import type { MethodConfig } from "../../../shared/config/method.js";
import { BACKGROUND } from "../../../shared/data/manifest.js";
import type { Rng } from "../../../shared/rng.js";
import { channel } from "../images.js";
import { otsuLabels } from "../labels.js";
import { toLab } from "../superpixels/cielab.js";
import { cutPhoto } from "../superpixels/cut.js";
import { slic } from "../superpixels/slic.js";
import { paint, regionMeans, type Superpixels } from "../superpixels/superpixels.js";
import { colourBins, posterior } from "./bayes.js";
import { chooseMask } from "./boxsup.js";
import { candidateMasks } from "./candidates.js";
import { framePrior } from "./saliency.js";

export interface RelabelInput {
  /** RGB, [size, size, 3]. */
  readonly pixels: Uint8Array;
  readonly size: number;
  readonly tags: readonly number[];
  /** The network's probabilities of the tags, gated and refined, [size, size, tags]. */
  readonly scores: Float32Array;
  /** The labels the network was trained on, [size, size]. */
  readonly old: Uint8Array;
  /** CAM of the tags on the labels' grid, 0..255, [size, size, tags]. */
  readonly cam: Float32Array;
}

/** Every superpixel gets the mean of its pixels, which puts borders on edges of the photo. */
export function voted(scores: Float32Array, channels: number, cut: Superpixels): Float32Array {
  return paint(regionMeans(scores, channels, cut), channels, cut);
}

/** Sizes of the superpixels relative to the configured one: fine unions fit, coarse ones bring whole parts. */
const scales = [0.5, 1, 2];
/** A CAM this strong, of 255, is part of the object (as in labels.ts). */
const camLevel = 0.7 * 255;

export function boxsupLabels(input: RelabelInput, method: MethodConfig, rng: Rng): Uint8Array {
  const { pixels, size, tags, scores, cam } = input;
  const cuts = scales.map((scale) => cutPhoto(pixels, size, method.superpixels, scale));
  const labels = new Uint8Array(size * size).fill(BACKGROUND);
  const best = new Float32Array(size * size).fill(-1);
  tags.forEach((tag, k) => {
    const p = channel(scores, tags.length, k);
    const ownCam = channel(cam, tags.length, k);
    const old = input.old.map((id) => (id === tag ? 1 : 0));
    const start = old.includes(1) ? old : Uint8Array.from(ownCam, (value) => (value >= camLevel ? 1 : 0));
    const maps = [p, Float32Array.from(start), ownCam.map((value) => value / 255)];
    const candidates = candidateMasks(cuts, start, maps);
    const mask = chooseMask(candidates, start, p, method.refine.boxsup, rng) ?? start;
    /** Where two tags claim a pixel, the likelier one has it. */
    for (let i = 0; i < labels.length; i++) {
      if (mask[i] !== 1 || p[i]! <= best[i]!) continue;
      labels[i] = tag;
      best[i] = p[i]!;
    }
  });
  return labels;
}

/** `regionScores`: the RegionNet's probabilities of the tags, gated, [R, tags]. `saliency`: null after the first time. */
export function mcofLabels(
  input: RelabelInput,
  cut: Superpixels,
  regionScores: Float32Array,
  saliency: number | null,
): Uint8Array {
  const { scores, tags } = input;
  const means = regionMeans(scores, tags.length, cut);
  const mined = paint(
    means.map((mean, i) => (mean + regionScores[i]!) / 2),
    tags.length,
    cut,
  );
  const seesSaliency = saliency !== null && tags.length === 1;
  return otsuLabels(seesSaliency ? withSaliency(mined, input, cut, saliency) : mined, tags, 0);
}

/** Regions the saliency prior compares: all pairs of them. */
const priorRegions = 200;

/**
 * Mean of the mined map and its posterior. The paper takes the posterior of a trained saliency model alone; the frame's
 * prior has learnt nothing and gives away an object that touches the frame, so the mined map shares in p(object).
 */
function withSaliency(mined: Float32Array, { pixels, size }: RelabelInput, cut: Superpixels, share: number) {
  const grid = slic(pixels, size, size, { count: priorRegions, compactness: 10 });
  const frame = paint(framePrior(toLab(pixels), grid), 1, grid);
  const prior = mined.map((value, i) => share * frame[i]! + (1 - share) * value);
  const joined = voted(posterior(prior, colourBins(pixels), mined), 1, cut);
  return mined.map((value, i) => (value + joined[i]!) / 2);
}
