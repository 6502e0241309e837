/** What a run will cost, before it starts: work, memory and time per phase. Pure. */
import type { MethodConfig } from "../shared/config/method.js";
import { methodOfRound, minedRounds } from "../shared/config/rounds.js";
import type { Manifest } from "../shared/data/manifest.js";
import { describePhase, isTraining, type Phase, type PhaseKind } from "./core/plan.js";

export interface PhaseForecast {
  readonly title: string;
  readonly steps: number;
  /** Images that go through a network. */
  readonly images: number;
  readonly seconds: number;
}

export interface Forecast {
  readonly phases: readonly PhaseForecast[];
  readonly seconds: number;
  /** Resident, of each worker, bytes. */
  readonly workerBytes: number;
  /** "an earlier run", or the machine the built-in numbers were measured on. */
  readonly basis: string;
}

/** Worker seconds per image of each kind of phase, and resident bytes of a worker. */
export interface Pace {
  readonly secondsPerImage: Readonly<Record<PhaseKind, number>>;
  readonly workerBytes: number | null;
  readonly basis: string;
}

/** Before any image: Node, TensorFlow's library, its threads. Measured: 0.5 GB with the smallest network. */
const engineBytes = 0.5e9;
/** Activations and their gradients per pixel of a micro-batch, all layers. From 0.8 GB at 2 x 192 x 192 pixels. */
const bytesPerPixel = 2_500;

export function forecast(
  phases: readonly Phase[],
  method: MethodConfig,
  manifest: Manifest,
  workers: number,
  pace: Pace,
): Forecast {
  const told = phases.map((phase): PhaseForecast => {
    const images = imagesOf(phase, method, manifest);
    // More workers than units have nothing to do.
    const seconds = (images * pace.secondsPerImage[phase.kind]) / Math.max(1, Math.min(workers, phase.units));
    return { title: describePhase(phase), steps: phase.steps, images, seconds };
  });
  return {
    phases: told,
    seconds: told.reduce((sum, { seconds }) => sum + seconds, 0),
    workerBytes: pace.workerBytes ?? workerBytes(method, manifest),
    basis: pace.basis,
  };
}

export function imagesOf(phase: Phase, method: MethodConfig, { train, val }: Manifest): number {
  const { classifier, segmenter } = methodOfRound(method, phase.round);
  const { microBatches, microBatchSize } = phase.kind === "classify" ? classifier : segmenter;
  if (isTraining(phase)) return phase.steps * microBatches * microBatchSize;
  return phase.kind === "evaluate" ? (val?.images.length ?? 0) : train.images.length;
}

function workerBytes(method: MethodConfig, { train }: Manifest): number {
  const { imageSize, classifier, segmenter, mining } = method;
  const trained = [classifier, segmenter, ...(minedRounds(method) > 0 ? [mining] : [])];
  const pixels = Math.max(...trained.map(({ cropSize, microBatchSize }) => cropSize ** 2 * microBatchSize));
  return engineBytes + train.images.length * imageSize ** 2 * 3 + pixels * bytesPerPixel;
}

export interface PhaseSpan {
  readonly kind: PhaseKind;
  readonly images: number;
  readonly seconds: number;
  readonly workers: number;
}

/** From what the phases of an earlier run took; a kind it has not seen keeps the built-in number. */
export function paceOf(spans: readonly PhaseSpan[], rssBytes: readonly number[], basis: string, fallback: Pace): Pace {
  const kinds = Object.keys(fallback.secondsPerImage) as PhaseKind[];
  const known = kinds.map((kind) => {
    const seen = spans.filter((span) => span.kind === kind && span.images > 0);
    const images = seen.reduce((sum, span) => sum + span.images, 0);
    const seconds = seen.reduce((sum, span) => sum + span.seconds * span.workers, 0);
    return [kind, images > 0 ? seconds / images : fallback.secondsPerImage[kind]] as const;
  });
  return {
    secondsPerImage: Object.fromEntries(known) as Record<PhaseKind, number>,
    workerBytes: rssBytes.length > 0 ? Math.max(...rssBytes) : null,
    basis,
  };
}
