/** What training moves parameters with, also in the commits before there was a Replica, for `npm run bench:compare`. */
import type { AdamW, AdamWTensor } from "../../shared/aggregate/adamw.js";
import type { MemoryFloats } from "../../shared/aggregate/floats.js";
import type { ParamSpecs } from "../../shared/data/param-specs.js";
import type { ParamSpec } from "../../worker/compute/contract.js";

/** Moves the parameters by a sum of gradients, which is used up. */
export type Update = (sum: Float32Array, step: number) => Promise<unknown>;

const weightDecay = 1e-3;
const options = { learningRate: 1e-4, warmupSteps: 0, schedulePower: 0, steps: 1_000_000, weightDecay };

export async function openUpdate(specs: readonly ParamSpec[], values: Float32Array): Promise<Update> {
  try {
    const { Replica } = await import("../../shared/aggregate/replica.js");
    const { MemoryFloats } = await import("../../shared/aggregate/floats.js");
    const zeros = () => new MemoryFloats(new Float32Array(values.length));
    const optimizer = { steps: 0, first: zeros(), second: zeros() };
    const replica = new Replica(
      [...specs] as ParamSpecs,
      { values, optimizer, average: null },
      { ...options, emaDecay: 0, leafCount: 1 },
    );
    return (sum, step) => replica.update(new MemoryFloats(sum), step);
  } catch {
    return olderUpdate(specs, values);
  }
}

async function olderUpdate(specs: readonly AdamWTensor[], values: Float32Array): Promise<Update> {
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
