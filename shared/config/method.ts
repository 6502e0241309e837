/**
 * Configuration of the method: what the results depend on besides data and seed. Part of a run's config. The defaults
 * are the recipe for a backbone that was trained elsewhere (ImageNet); without one, shared/config/presets.ts adds the
 * overrides of `scratchMethod`. No value below was chosen on the masks of a user's data; where a benchmark's masks were
 * looked at, worker/segmentation/README.md says so.
 */
import { z } from "zod";
import { range, share, trainingShape } from "./training-shape.js";

const scales = () =>
  z.array(z.number().min(0.25).max(4)).min(1).max(8).default([1]).meta({
    help: "Image sizes the prediction is averaged over, relative to imageSize.",
  });

const colourWeight = (weight: number) =>
  z.number().min(0).max(10).default(weight).meta({
    help: "How much the colours of each class in this very photo count beside the network's word (Bayes' rule); 0: nothing.",
  });

/** With a given backbone only the head is trained, on whole images: crops and light are for the built-in network. */
const classifierSchema = z.strictObject({
  ...trainingShape({
    steps: 300,
    learningRate: 3e-3,
    weightDecay: 1e-2,
    warmup: 10,
    cropSize: 256,
    cropShareMin: 0.75,
  }),
  stride: z.literal([4, 8, 16, 32]).default(32).meta({
    help: "Stride of the features the classifier, and so the CAM, looks at.",
  }),
});

const camSchema = z.strictObject({
  kind: z.enum(["cam", "grad"]).default("cam").meta({
    help: "cam: the classifier's weights on every cell. grad: Grad-CAM, channels weighted by the logit's mean gradient.",
  }),
  scales: z.array(z.number().min(0.25).max(4)).min(1).max(8).default([1, 1.375, 1.75]).meta({
    help: "Image sizes the CAM is summed over, relative to imageSize.",
  }),
  flip: z.boolean().default(true).meta({ help: "Add the CAM of the mirrored image." }),
  threshold: share().default(0.4).meta({
    help: "Share of the CAM's maximum above which the plain CAM label map, the yardstick of the seeds, has its class.",
  }),
});

const seedsSchema = z.strictObject({
  rule: z.enum(["otsu", "fixed", "power"]).default("otsu").meta({
    help: "otsu: threshold from each image's histogram, none to tune. fixed: foreground and background below. power: background score (1 - strongest tag)^alpha.",
  }),
  band: share().default(0).meta({
    help: "otsu: pixels within this relative distance of the threshold are left out of training (255).",
  }),
  foreground: share().default(0.45).meta({ help: "fixed: at or above this share of the 99 % quantile: the class." }),
  background: share().default(0.25).meta({ help: "fixed: below it: background; between the two: ignored (255)." }),
  alphaLow: z.number().min(1).max(100).default(4).meta({
    help: "power: a pixel is the class where its tag beats the background of this alpha; lower is stricter.",
  }),
  alphaHigh: z.number().min(1).max(100).default(24).meta({
    help: "power: it is background where even the background of this alpha beats its tag; higher is stricter.",
  }),
  vote: z.boolean().default(false).meta({ help: "Average the CAM over superpixels before it is cut." }),
  pamrIterations: z.int().min(0).max(50).default(10).meta({ help: "PAMR iterations on the CAM; 0: none." }),
});

const pamrSchema = z.strictObject({
  size: z.int().min(16).max(512).default(128).meta({
    help: "Side at which masks are refined, pixels; at most imageSize. Cost grows with its square.",
  }),
  dilations: z.array(z.int().min(1).max(64)).min(1).max(12).default([1, 2, 4, 8, 12, 24]).meta({
    help: "Distances of the 8 neighbours, pixels.",
  }),
});

/** Two iterations on 256 cells gained .01 mIoU and .03 Boundary IoU where ten on 128 lost both (README of the method). */
const finePamrSchema = z.strictObject({
  size: z.int().min(16).max(1024).default(256).meta({
    help: "Side at which a network's masks get their last polish, pixels; at most imageSize.",
  }),
  dilations: z.array(z.int().min(1).max(64)).min(1).max(12).default([1, 2, 4, 8]).meta({
    help: "Distances of the 8 neighbours there, pixels.",
  }),
  iterations: z.int().min(0).max(50).default(3).meta({ help: "PAMR iterations there; 0: no polish." }),
});

const superpixelsSchema = z.strictObject({
  method: z.enum(["felzenszwalb", "slic"]).default("felzenszwalb").meta({
    help: "felzenszwalb: few regions of any size. slic: a grid that bends to edges.",
  }),
  sigma: z.number().min(0).max(5).default(0.5).meta({ help: "felzenszwalb: blur before cutting, pixels." }),
  k: z.number().positive().default(60).meta({
    help: "felzenszwalb: larger joins more; units of colour difference (0..255) x pixels.",
  }),
  minShare: share().default(0.0003).meta({ help: "felzenszwalb: smallest region, share of the image's pixels." }),
  count: z.int().min(4).max(10_000).default(400).meta({ help: "slic: number of regions." }),
  compactness: z.number().positive().max(100).default(20).meta({
    help: "slic: weight of place against colour; higher gives squarer regions.",
  }),
});

const segmenterSchema = z.strictObject({
  emaDecay: z.number().min(0).max(0.9999).default(0).meta({
    help: "The network that makes labels is the average of the trained one over its steps, with this decay (mean teacher); 0: the trained one itself.",
  }),
  ...trainingShape({ steps: 200, learningRate: 2e-3, weightDecay: 1e-3, warmup: 20, cropSize: 192, cropShareMin: 0.6 }),
  network: z.enum(["dfn", "fcn32", "fcn16", "fcn8", "capsule", "linear32", "linear16", "linear8"]).default("dfn").meta({
    help: "What reads the backbone's features. dfn: Smooth Network; fcn: scores at one, two or three strides; capsule: routing by agreement; linear: one 1x1 convolution at that stride.",
  }),
  channels: z.int().multipleOf(8).min(8).max(512).default(64).meta({
    help: "Width of the network; the Smooth Network's paper has 512, on a far larger backbone.",
  }),
  loss: z.enum(["ce", "balanced", "confidence", "collision"]).default("ce").meta({
    help: "Over labelled pixels. balanced: object and rest weigh half each. confidence, collision: for softLabels; doubtful pixels teach less.",
  }),
  softLabels: share().default(0).meta({
    help: "Share of a pixel's label that comes from its superpixel's labels; 0: hard labels.",
  }),
  pairwiseWeight: z.number().min(0).max(100).default(0).meta({
    help: "Weight of the loss on neighbours that disagree off superpixel edges; large values favour the background.",
  }),
  pairwiseDilation: z.int().min(0).max(16).default(1).meta({
    help: "Pixels by which those edges are widened.",
  }),
  borderWeight: z.number().min(0).max(10).default(0).meta({
    help: "Weight of DFN's Border Network (its paper: 0.1). It acts through the backbone: needs backboneRate > 0.",
  }),
  deepSupervision: z.number().min(0).max(1).default(0).meta({
    help: "Weight of the loss at strides 32, 16 and 8 beside the one at stride 4; 0: none.",
  }),
  backboneRate: share().default(0).meta({
    help: "Learning rate of the backbone relative to the decoder's; 0 freezes it, which is about twice as fast.",
  }),
  backboneTrainFrom: z.literal([4, 8, 16, 32]).default(4).meta({
    help: "Stride of the first part of the backbone that learns; what leads to finer features stays as it was. 4: all of it. Needs backboneRate > 0.",
  }),
});

const augmentSchema = z.strictObject({
  negativeShare: share().default(0.25).meta({
    help: "Share of images without any tag in a step, where there are some.",
  }),
  gain: range(0.75, 1.3).meta({ help: "Contrast factor." }),
  offset: z.number().min(0).max(1).default(0.2).meta({ help: "Largest brightness shift; an image spans -1 to 1." }),
  grey: share().default(0.3).meta({ help: "Probability of a grey image." }),
  colour: z.number().min(0).max(1).default(0.07).meta({ help: "Largest shift of each colour of a non-grey image." }),
});

const miningSchema = z.strictObject({
  rounds: z.int().min(0).max(10).default(2).meta({
    help: "How many of the first rounds mine: a linear classifier of cells moves the seeds off halos and into limbs. At least the last round is the segmentation network's.",
  }),
  stride: z.literal([8, 16, 32]).default(16).meta({ help: "Stride of the features it looks at." }),
  ...trainingShape({
    steps: 100,
    learningRate: 3e-3,
    weightDecay: 1e-3,
    warmup: 10,
    cropSize: 448,
    cropShareMin: 1,
  }),
  pamrIterations: z.int().min(0).max(50).default(5).meta({ help: "PAMR iterations on its prediction." }),
});

const refineSchema = z.strictObject({
  updater: z.enum(["feedback", "boxsup", "mcof"]).default("feedback").meta({
    help: "How a round's network makes the next labels. feedback: its prediction. boxsup: a likely union of superpixels, by lot. mcof: votes of superpixels and of a network on them.",
  }),
  boxsup: z
    .strictObject({
      lambda: z.number().min(0).max(100).default(3).meta({
        help: "Weight of the network's cross entropy against the overlap with the old mask.",
      }),
      choices: z.int().min(1).max(100).default(5).meta({ help: "Cheapest masks the lot is drawn among." }),
    })
    .prefault({}),
  saliency: share().default(0.25).meta({
    help: "mcof, round 1, photos with one tag: share of the frame's prior in p(object), beside the mined region; the paper: 1.",
  }),
  colourWeight: colourWeight(1),
  vote: z.boolean().default(false).meta({
    help: "feedback: average the prediction over superpixels before it is cut.",
  }),
  flip: z.boolean().default(true).meta({ help: "Average with the mirrored image." }),
  scales: scales(),
  pamrIterations: z.int().min(0).max(50).default(0).meta({
    help: "PAMR iterations on the prediction, on the coarse grid, before the polish on the fine one. A coarse prediction gains, a sharp one loses.",
  }),
  cut: z.enum(["otsu", "half"]).default("half").meta({
    help: "feedback: where a class begins. half: where it is likelier than the background. otsu: threshold from each image's histogram.",
  }),
  shrinkMin: share().default(0.5).meta({
    help: "New labels are refused when the foreground falls below this share of the old one.",
  }),
  anchorMin: share().default(0.5).meta({
    help: "New labels are refused when they cover less than this share of the CAM's strongest pixels.",
  }),
});

/** Constants of IRN's and SEAM's CRF on photos of 500 pixels, place deviations scaled to a grid of 128. */
const crfSchema = z.strictObject({
  iterations: z.int().min(0).max(50).default(0).meta({ help: "Mean field iterations after PAMR; 0: no CRF." }),
  smoothWeight: z.number().min(0).max(100).default(3).meta({ help: "Strength of the agreement with near pixels." }),
  smoothSigma: z.number().min(0.1).max(50).default(1).meta({ help: "How near, cells of the refinement grid." }),
  colourWeight: z.number().min(0).max(100).default(10).meta({
    help: "Strength of the agreement with pixels of near colour.",
  }),
  placeSigma: z.number().min(0.1).max(500).default(20).meta({ help: "How far those may be, cells." }),
  colourSigma: z.number().min(0.1).max(255).default(13).meta({ help: "How near their colours, of 255." }),
});

const predictSchema = z.strictObject({
  flip: z.boolean().default(true).meta({ help: "Average with the mirrored image." }),
  scales: scales(),
  pamrIterations: z.int().min(0).max(50).default(0).meta({
    help: "PAMR iterations on the prediction, on the coarse grid, before the polish on the fine one; 0: none.",
  }),
  colourWeight: colourWeight(1),
  crf: crfSchema.prefault({}),
});

const scratchSchema = z.strictObject({
  kind: z.enum(["resnet", "mobilenet"]).default("resnet").meta({
    help: "Blocks of the built-in network. mobilenet: depthwise separable, an eighth of the parameters.",
  }),
  widths: z.tuple([z.int(), z.int(), z.int(), z.int()]).default([24, 48, 96, 128]).meta({
    help: "Channels of the built-in network at strides 4, 8, 16 and 32; multiples of 8.",
  }),
});

export const mathModes = ["f32", "bf16", "f16"] as const;
export type MathMode = (typeof mathModes)[number];

export const methodConfigSchema = z.strictObject({
  math: z.enum(mathModes).default("f32").meta({
    help: "What convolutions of training steps multiply in. bf16: faster on processors with bfloat16 instructions (AVX512_BF16, AMX) and the tensorflow engine, which it needs. f16: faster on GPUs with matrix units and the webgpu engine, which it needs. Other numbers.",
  }),
  imageSize: z.int().multipleOf(32).min(32).max(1024).default(256).meta({
    help: "Working size: every image is resized to a square of this side, pixels.",
  }),
  rounds: z.int().min(1).max(50).default(3).meta({
    help: "Rounds at most, those that mine included: each trains a network on the labels, then refines the labels with it. More than one that does not mine gains little, and halos grow (docs/RESULTS.md).",
  }),
  classifier: classifierSchema.prefault({}),
  cam: camSchema.prefault({}),
  seeds: seedsSchema.prefault({}),
  pamr: pamrSchema.prefault({}),
  finePamr: finePamrSchema.prefault({}),
  superpixels: superpixelsSchema.prefault({}),
  mining: miningSchema.prefault({}),
  segmenter: segmenterSchema.prefault({}),
  augment: augmentSchema.prefault({}),
  refine: refineSchema.prefault({}),
  predict: predictSchema.prefault({}),
  scratch: scratchSchema.prefault({}),
});

export type MethodConfig = z.infer<typeof methodConfigSchema>;
/** What a user writes: every key optional. */
export type MethodOverrides = z.input<typeof methodConfigSchema>;
