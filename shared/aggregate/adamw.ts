/**
 * AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101) on one flat buffer. Decay is decoupled and skips biases and
 * norms. Uses +, -, *, / and square roots only, which IEEE 754 fixes to the bit: the same gradients give the same
 * parameters on every machine.
 */
import { assert } from "../assert.js";
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
   * Updates `values` in place. `gradientOf` gives the mean gradient of the step, a page at a time; `settle` hears that the
   * page from `at` on has moved.
   */
  async step(
    values: Float32Array,
    gradientOf: GradientPage,
    learningRate: number,
    settle: (page: Float32Array, at: number) => void = () => undefined,
  ): Promise<void> {
    const { first, second } = this.moments;
    assert(values.length === first.length, "buffers match the tensors");
    this.count();
    for (const [at, end] of pagesOf(values.length)) {
      const [m, v] = [await first.page(at, end), await second.page(at, end)];
      const page = values.subarray(at, end);
      this.updatePage(at, { values: page, gradient: await gradientOf(at, end), m, v }, learningRate);
      settle(page, at);
      await first.put(at, m);
      await second.put(at, v);
    }
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

  private updatePage(at: number, page: Page, learningRate: number): void {
    const length = page.values.length;
    let begin = 0;
    this.tensors.forEach((tensor, i) => {
      const end = Math.min(Math.max(this.ends[i]! - at, 0), length);
      const rate = learningRate * tensor.learningRateScale;
      const shrink = tensor.weightDecay ? 1 - rate * this.options.weightDecay : 1;
      if (rate !== 0) this.update(page, begin, end, rate, shrink);
      begin = end;
    });
  }

  private update({ values, gradient, m, v }: Page, begin: number, end: number, rate: number, shrink: number): void {
    const stepSize = rate / (1 - this.decay1);
    const correction = 1 / Math.sqrt(1 - this.decay2);
    for (let i = begin; i < end; i++) {
      const g = gradient[i]!;
      const first = beta1 * m[i]! + (1 - beta1) * g;
      const second = beta2 * v[i]! + (1 - beta2) * g * g;
      m[i] = first;
      v[i] = second;
      values[i] = values[i]! * shrink - (stepSize * first) / (Math.sqrt(second) * correction + epsilon);
    }
  }
}

/** Numbers [at, end) of a gradient. */
export type GradientPage = (at: number, end: number) => Promise<Float32Array>;

interface Page {
  readonly values: Float32Array;
  readonly gradient: Float32Array;
  readonly m: Float32Array;
  readonly v: Float32Array;
}
