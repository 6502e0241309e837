/** Training steps: draws the crops and carries gradients and parameters in and out of the engine, as training does. */
import { answer, givenWork } from "../lib/answer.js";
import { type NetworkWork, noise, type OpenNetwork, openNetwork, stage } from "./network.js";
import { openOptimizer } from "./optimizer.js";

export async function trainingStep(
  { compute, initial }: OpenNetwork,
  { batch, size, threads, gradientOnly = false }: NetworkWork,
): Promise<() => Promise<number>> {
  const { values, rooms, update } = await openOptimizer(initial.specs, initial.values, threads);
  const examples = Array.from({ length: batch }, (_, image) => noise(image, size));
  const job = { stage, step: 0, leafCount: 1, microBatches: [{ leaf: 0, examples }], rooms };
  let step = 0;
  return async () => {
    compute.load(stage, values);
    const [sum] = await compute.gradients(job);
    if (!gradientOnly)
      await update((rooms[(sum as { room?: number }).room ?? -1] ?? sum!.values) as Float32Array, step++);
    return batch;
  };
}

if (import.meta.filename === process.argv[1]) {
  const work = givenWork<NetworkWork>();
  const open = await openNetwork(work);
  await answer(open.version, await trainingStep(open, work));
}
