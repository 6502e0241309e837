/**
 * The mean teacher of Tarvainen and Valpola (2017, arXiv 1703.01780): an exponential moving average of the parameters of
 * every step, which makes steadier labels than the parameters themselves. Its decay grows from 0 so that the random first
 * parameters are soon forgotten (section 3 of their code: min(decay, 1 - 1 / (step + 1))).
 */
import { assert } from "../assert.js";
import { mixInto } from "../math/vectors.js";
import { type Floats, pagesOf } from "./floats.js";

export class WeightAverage {
  constructor(
    /** The average after `steps` steps; anything before the first. */
    readonly floats: Floats,
    private readonly decay: number,
    private steps: number,
  ) {}

  /** Takes in the parameters of one more step. */
  async add(values: Float32Array): Promise<void> {
    assert(values.length === this.floats.length, "the average is of these parameters");
    const keep = Math.min(this.decay, 1 - 1 / (this.steps + 1));
    this.steps++;
    for (const [at, end] of pagesOf(values.length)) {
      const page = await this.floats.page(at, end);
      mixInto(page, values.subarray(at, end), keep);
      await this.floats.put(at, page);
    }
  }

  /** Replaces the parameters by their average. */
  async copyInto(values: Float32Array): Promise<void> {
    for (const [at, end] of pagesOf(values.length)) values.set(await this.floats.page(at, end), at);
  }
}
