/** The settings that every stage of training has. */
import { z } from "zod";

/** 0 to 1. */
export const share = () => z.number().min(0).max(1);
/** Low end, high end. */
export const range = (low: number, high: number) =>
  z
    .tuple([z.number(), z.number()])
    .refine(([from, to]) => from <= to, "low end first")
    .default([low, high]);

interface TrainingDefaults {
  readonly steps: number;
  readonly learningRate: number;
  readonly weightDecay: number;
  readonly warmup: number;
  readonly cropSize: number;
  readonly cropShareMin: number;
}

/** How one stage is trained; the classifier and the segmenter differ in the defaults only. */
export const trainingShape = (defaults: TrainingDefaults) => ({
  steps: z.int().min(1).max(1_000_000).default(defaults.steps).meta({
    help: "Optimiser updates.",
  }),
  microBatches: z.int().min(1).max(1024).default(4).meta({
    help: "Micro-batches per step: the most workers that can share a step. Part of the result, unlike the worker count.",
  }),
  microBatchSize: z.int().min(1).max(256).default(2).meta({
    help: "Images per micro-batch; a step sees microBatches x microBatchSize images.",
  }),
  learningRate: z.number().positive().max(10).default(defaults.learningRate).meta({
    help: "AdamW's rate after the warm-up.",
  }),
  weightDecay: z.number().min(0).max(1).default(defaults.weightDecay).meta({
    help: "Decoupled decay of kernels (never of biases and norms), times the learning rate.",
  }),
  warmupSteps: z.int().min(0).default(defaults.warmup).meta({
    help: "Steps in which the learning rate rises linearly.",
  }),
  schedulePower: z.number().min(0).max(4).default(0.9).meta({
    help: "Learning rate x (1 - progress)^power after the warm-up; 0 keeps it constant.",
  }),
  cropSize: z.int().multipleOf(32).min(32).max(1024).default(defaults.cropSize).meta({
    help: "Side of the training crops, pixels.",
  }),
  cropShare: range(defaults.cropShareMin, 1).meta({
    help: "Side of the crop relative to the image's, drawn between these. A crop that misses the object lies to the classifier.",
  }),
});
