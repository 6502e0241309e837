/**
 * AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101) on one flat buffer. Decay is decoupled and skips biases and
 * norms. Uses +, -, *, / and square roots only, which IEEE 754 fixes to the bit: the same gradients give the same
 * parameters on every machine.
 */
import { assert } from "../assert.js";
import { type AdamWNumbers, adamwInto, placedFloats } from "../math/vectors.js";
import { type Floats, pagesOf } from "./floats.js";

export interface AdamWTensor {
  readonly shape: readonly number[];
  readonly learningRateScale: number;
  readonly weightDecay: boolean;
}

export interface AdamWOptions {
  readonly weightDecay: number;
}

/** What a checkpoint must keep besides the parameters. */
export interface AdamWState {
  readonly steps: number;
  readonly first: Floats;
  readonly second: Floats;
}

/** The paper's defaults. */
const beta1 = 0.9;
const beta2 = 0.999;
const epsilon = 1e-8;

export class AdamW {
  /** Where each tensor ends in the flat buffer. */
  private readonly ends: readonly number[];
  private steps = 0;
  /** beta^steps, by repeated multiplication: the bits of Math.pow differ between engines. */
  private decay1 = 1;
  private decay2 = 1;

  /** `moments`: zero, or a checkpoint's. */
  constructor(
    private readonly tensors: readonly AdamWTensor[],
    private readonly options: AdamWOptions,
    private readonly moments: AdamWState,
  ) {
    let end = 0;
    this.ends = tensors.map(({ shape }) => {
      end += shape.reduce((product, side) => product * side, 1);
      return end;
    });
    assert(moments.first.length === end && moments.second.length === end, "the moments belong to these tensors");
    for (let step = 0; step < moments.steps; step++) this.count();
  }

  /**
   * Updates `values` in place. `gradientOf` gives the gradient of the step, a page at a time, also where only a range is updated.
   * False: it is not finite; parameters that lie before may have moved.
   */
  async step(
    values: Float32Array,
    gradientOf: GradientPage,
    learningRate: number,
    {
      scale = 1,
      moving = (block, _, move) => move(block),
      movedFloats = placedFloats,
      range: [begin, stop] = [0, values.length],
    }: AdamWStepOptions = {},
  ): Promise<boolean> {
    const { first, second } = this.moments;
    assert(values.length === first.length, "buffers match the tensors");
    this.count();
    for (const [at, end] of pagesOf(stop, begin)) {
      const [m, v] = [await first.page(at, end), await second.page(at, end)];
      const page = { values: values.subarray(at, end), m, v, gradient: await gradientOf(at, end) };
      for (let begin = 0; begin < end - at; begin += movedFloats) {
        const block = cut(page, begin, Math.min(begin + movedFloats, end - at));
        const first = at + begin;
        const move = (moved: Float32Array) => this.updateBlock(first, block, moved, scale, learningRate);
        if (!moving(block.values, first, move)) return false;
      }
      await first.put(at, m);
      await second.put(at, v);
    }
    return true;
  }

  /** Not a copy: valid until the next step. */
  state(): AdamWState {
    return { ...this.moments, steps: this.steps };
  }

  private count(): void {
    this.steps++;
    this.decay1 *= beta1;
    this.decay2 *= beta2;
  }

  private updateBlock(
    first: number,
    block: AdamWNumbers,
    moved: Float32Array,
    scale: number,
    learningRate: number,
  ): boolean {
    const isInPlace = moved === block.values;
    const correction = 1 / Math.sqrt(1 - this.decay2);
    const { length } = block.values;
    let at = 0;
    for (let i = this.tensorAt(first); at < length; i++) {
      const tensor = this.tensors[i]!;
      const begin = at;
      at = Math.min(this.ends[i]! - first, length);
      const rate = learningRate * tensor.learningRateScale;
      const part = begin === 0 && at === length ? block : cut(block, begin, at);
      const target = isInPlace ? part.values : moved.subarray(begin, at);
      if (rate === 0 && !isInPlace) target.set(part.values);
      if (rate === 0 || begin === at) continue;
      const decay = tensor.weightDecay ? rate * this.options.weightDecay : 0;
      const stepSize = rate / (1 - this.decay1);
      const factors = { scale, beta1, beta2, stepSize, correction, epsilon, decay };
      if (!adamwInto(part, factors, target)) return false;
    }
    return true;
  }

  /** Whose number this is. */
  private tensorAt(index: number): number {
    let [low, high] = [0, this.ends.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.ends[middle]! > index) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

function cut({ values, m, v, gradient }: AdamWNumbers, begin: number, end: number): AdamWNumbers {
  const of = (numbers: Float32Array) => numbers.subarray(begin, end);
  return { values: of(values), m: of(m), v: of(v), gradient: of(gradient) };
}

/** Numbers [at, end) of a gradient. */
export type GradientPage = (at: number, end: number) => Promise<Float32Array>;

export interface AdamWStepOptions {
  /** What the gradient is multiplied by, in f32. */
  readonly scale?: number;
  readonly moving?: BlockMove;
  /** How many numbers at a time, a divisor of a page. Default: as many as a pass over them has at a time. */
  readonly movedFloats?: number;
  /** Which numbers; others are somebody else's. Default: all. It begins at a multiple of 16. */
  readonly range?: readonly [first: number, end: number];
}

/**
 * Moves a block of the parameters, at most `movedFloats` from `first` on: `move` puts where they belong into another array, or into theirs. False,
 * which it may return: no further.
 */
export type BlockMove = (block: Float32Array, first: number, move: (moved: Float32Array) => boolean) => boolean;
