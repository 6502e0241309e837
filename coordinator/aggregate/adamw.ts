/**
 * AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101) on one flat buffer. Decay is decoupled and skips biases and
 * norms. Uses +, -, *, / and square roots only, which IEEE 754 fixes to the bit: the same gradients give the same
 * parameters on every machine.
 */
import { assert } from "../../shared/assert.js";

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
  readonly first: Float32Array;
  readonly second: Float32Array;
}

/** The paper's defaults. */
const beta1 = 0.9;
const beta2 = 0.999;
const epsilon = 1e-8;

export class AdamW {
  private readonly sizes: readonly number[];
  private readonly first: Float32Array;
  private readonly second: Float32Array;
  private steps = 0;
  /** beta^steps, by repeated multiplication: the bits of Math.pow differ between engines. */
  private decay1 = 1;
  private decay2 = 1;

  constructor(
    private readonly tensors: readonly AdamWTensor[],
    private readonly options: AdamWOptions,
  ) {
    this.sizes = tensors.map(({ shape }) => shape.reduce((product, side) => product * side, 1));
    const count = this.sizes.reduce((sum, size) => sum + size, 0);
    this.first = new Float32Array(count);
    this.second = new Float32Array(count);
  }

  /** Updates `values` in place with the mean gradient of the step. */
  step(values: Float32Array, gradient: Float32Array, learningRate: number): void {
    assert(values.length === this.first.length && gradient.length === values.length, "buffers match the tensors");
    this.steps++;
    this.decay1 *= beta1;
    this.decay2 *= beta2;
    let offset = 0;
    this.tensors.forEach((tensor, i) => {
      const end = offset + this.sizes[i]!;
      const rate = learningRate * tensor.learningRateScale;
      const shrink = tensor.weightDecay ? 1 - rate * this.options.weightDecay : 1;
      if (rate !== 0) this.update(values, gradient, offset, end, rate, shrink);
      offset = end;
    });
  }

  /** Not a copy: valid until the next step. */
  state(): AdamWState {
    return { steps: this.steps, first: this.first, second: this.second };
  }

  restore(state: AdamWState): void {
    assert(state.first.length === this.first.length, "the state belongs to these tensors");
    this.first.set(state.first);
    this.second.set(state.second);
    this.steps = state.steps;
    this.decay1 = 1;
    this.decay2 = 1;
    for (let i = 0; i < state.steps; i++) {
      this.decay1 *= beta1;
      this.decay2 *= beta2;
    }
  }

  private update(
    values: Float32Array,
    gradient: Float32Array,
    begin: number,
    end: number,
    rate: number,
    shrink: number,
  ): void {
    const { first, second } = this;
    const stepSize = rate / (1 - this.decay1);
    const correction = 1 / Math.sqrt(1 - this.decay2);
    for (let i = begin; i < end; i++) {
      const g = gradient[i]!;
      const m = beta1 * first[i]! + (1 - beta1) * g;
      const v = beta2 * second[i]! + (1 - beta2) * g * g;
      first[i] = m;
      second[i] = v;
      values[i] = values[i]! * shrink - (stepSize * m) / (Math.sqrt(v) * correction + epsilon);
    }
  }
}
