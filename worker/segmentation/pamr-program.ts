/** PAMR (pamr.ts) by an engine that has kernels for it, as one program: a photo and a map go up, the refined map comes back. */
import { assert } from "../../shared/assert.js";
import { type Compile, type Formula, Programs } from "./compiled.js";
import { ownKernel } from "./nn/native.js";
import { take } from "./read.js";
import { type Pamr, type PamrWork, pamrInArrays } from "./refinement.js";
import type { Tensor, Tf } from "./tf.js";

/**
 * Both with the attribute `dilations`. affinity: rgb [S, S, 3] -> weights [neighbours, S, S], mean: map [S, S, C], weights -> the
 * next map.
 */
export const pamrKernels = { affinity: "SeedgrowPamrAffinity", mean: "SeedgrowPamrMean" } as const;

export class PamrPrograms {
  readonly pamrBy: Pamr;
  private readonly programs: Programs;

  constructor(
    private readonly tf: Tf,
    compile: Compile | null,
  ) {
    this.programs = new Programs(tf, compile);
    this.pamrBy = (work) => (tf.getKernel(pamrKernels.affinity, tf.getBackend()) ? this.run(work) : pamrInArrays(work));
  }

  dispose(): void {
    this.programs.dispose();
  }

  private async run(work: PamrWork): Promise<Float32Array> {
    const { rgb, map, dilations, iterations } = work;
    const { values, side, channels } = map;
    const build = (): Formula => {
      const photo = this.tf.tensor3d(rgb, [side, side, 3]);
      const start = this.tf.tensor3d(values, [side, side, channels]);
      return { inputs: [photo, start], value: () => this.refined(photo, start, dilations, iterations) };
    };
    return take(await this.programs.value(`${side} ${channels} ${dilations} ${iterations}`, build));
  }

  private refined(photo: Tensor, start: Tensor, dilations: readonly number[], iterations: number): Tensor {
    const only = (kernel: string, inputs: Readonly<Record<string, Tensor>>) => {
      const [result] = ownKernel(this.tf, kernel, inputs, { dilations })!;
      assert(result, `${kernel} has one result`);
      return result;
    };
    const weights = only(pamrKernels.affinity, { rgb: photo });
    let map = start;
    for (let i = 0; i < iterations; i++) map = only(pamrKernels.mean, { map, weights });
    return map;
  }
}
