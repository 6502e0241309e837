/** What training moves parameters with, also in the commits before there was a Replica, for `npm run bench:compare`. */
import type { AdamW, AdamWTensor } from "../../shared/aggregate/adamw.js";
import type { MemoryFloats } from "../../shared/aggregate/floats.js";
import type { StepHelpers } from "../../shared/aggregate/step-helpers.js";
import type { ParamSpecs } from "../../shared/data/param-specs.js";
import type { ParamSpec } from "../../worker/compute/contract.js";

export interface Optimizer {
  /** Where training keeps the parameters. */
  readonly values: Float32Array;
  /** Where its gradient can lie; of a commit that has no such memory: none. */
  readonly rooms: readonly Float32Array[];
  /** Moves them by a sum of gradients, which is used up. */
  readonly update: (sum: Float32Array, step: number) => Promise<unknown>;
}

const weightDecay = 1e-3;
const options = { learningRate: 1e-4, warmupSteps: 0, schedulePower: 0, steps: 1_000_000, weightDecay };

export async function openOptimizer(specs: readonly ParamSpec[], start: Float32Array, threads = 1): Promise<Optimizer> {
  try {
    const { Replica } = await import("../../shared/aggregate/replica.js");
    const { MemoryFloats } = await import("../../shared/aggregate/floats.js");
    const floats = await memoryOf(4 * start.length + 2);
    const zeros = () => new MemoryFloats(floats(start.length));
    const optimizer = { steps: 0, first: zeros(), second: zeros() };
    const values = floats(start.length);
    values.set(start);
    const replica = new Replica(
      [...specs] as ParamSpecs,
      { values, optimizer, average: null },
      { ...options, emaDecay: 0, leafCount: 1 },
      { helpers: await helpersOf(threads) },
    );
    return {
      values,
      rooms: [floats(start.length + 2)],
      update: (sum, step) => replica.update(new MemoryFloats(sum), step),
    };
  } catch {
    return { values: start, rooms: [], update: await olderUpdate(specs, start) };
  }
}

async function helpersOf(threads: number): Promise<StepHelpers | undefined> {
  try {
    const { StepThreads } = await import("../../worker/optimizer/helpers.js");
    return new StepThreads(threads);
  } catch {
    return undefined;
  }
}

/** As a worker has it. */
async function memoryOf(count: number): Promise<(length: number) => Float32Array> {
  const { VectorMemory } = (await import("../../shared/math/vectors.js")) as Partial<
    typeof import("../../shared/math/vectors.js")
  >;
  const memory = VectorMemory && new VectorMemory(count);
  return (length) => memory?.floats(length) ?? new Float32Array(length);
}

async function olderUpdate(specs: readonly AdamWTensor[], values: Float32Array): Promise<Optimizer["update"]> {
  const older = (file: string) => import(`../../coordinator/aggregate/${file}`);
  const adamw = (await older("adamw.js")) as { readonly AdamW: typeof AdamW };
  const floats = (await older("floats.js")) as { readonly MemoryFloats: typeof MemoryFloats };
  const zeros = () => new floats.MemoryFloats(new Float32Array(values.length));
  const optimizer = new adamw.AdamW(specs, { weightDecay }, { steps: 0, first: zeros(), second: zeros() });
  return async (sum) => {
    const scale = Math.fround(1 / sum.at(-1)!);
    const meanGradient = async (at: number, end: number) => {
      const page = sum.subarray(at, end);
      for (let i = 0; i < page.length; i++) page[i] = page[i]! * scale;
      return page;
    };
    await optimizer.step(values, meanGradient, options.learningRate);
  };
}
