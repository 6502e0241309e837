/** Training steps: draws the crops and carries gradients and parameters in and out of the engine, as training does. */
import { answer, givenWork } from "../lib/answer.js";
import { type NetworkWork, noise, type OpenNetwork, openNetwork, stage } from "./network.js";
import { AdamW, MemoryFloats } from "./optimizer.js";

export function trainingStep({ compute, initial }: OpenNetwork, { batch, size }: NetworkWork): () => Promise<number> {
  const { specs, values } = initial;
  const zeros = () => new MemoryFloats(new Float32Array(values.length));
  const optimizer = new AdamW(specs, { weightDecay: 1e-3 }, { steps: 0, first: zeros(), second: zeros() });
  const examples = Array.from({ length: batch }, (_, image) => noise(image, size));
  const job = { stage, step: 0, leafCount: 1, microBatches: [{ leaf: 0, examples }] };
  return async () => {
    compute.load(stage, values);
    const sum = (await compute.gradients(job))[0]!.values as Float32Array;
    const scale = Math.fround(1 / sum.at(-1)!);
    const meanGradient = async (at: number, end: number) => {
      const page = sum.subarray(at, end);
      for (let i = 0; i < page.length; i++) page[i] = page[i]! * scale;
      return page;
    };
    await optimizer.step(values, meanGradient, 1e-4);
    return batch;
  };
}

if (import.meta.filename === process.argv[1]) {
  const work = givenWork<NetworkWork>();
  const open = await openNetwork(work);
  await answer(open.version, trainingStep(open, work));
}
