/**
 * Loads the engine and takes the gradient of a small network; prints one line of JSON. A process of its own: a library
 * that does not fit the processor ends the process that loads it.
 */
import { methodConfigSchema } from "../../shared/config/method.js";
import { AppError } from "../../shared/errors.js";
import { ComputeClient } from "../../worker/compute/client.js";
import type { TrainStage } from "../../worker/compute/contract.js";
import { requestedEngine } from "../../worker/engine/environment.js";

const side = 32;
const stage: TrainStage = { model: "classifier", round: 0 };

async function probe() {
  const startedMs = performance.now();
  const compute = await ComputeClient.start({ engine: requestedEngine(process.env), threads: 1 });
  const loadMs = performance.now() - startedMs;
  try {
    const method = methodConfigSchema.parse({ imageSize: side, classifier: { cropSize: side }, pamr: { size: side } });
    await compute.setup({ method, seed: 0, classes: ["any"], backbone: null });
    const { result: initial } = await compute.call("init", stage);
    await compute.call("load", stage, initial.values);
    const pixels = Uint8Array.from({ length: side * side * 3 }, (_, i) => (i * 7) % 256);
    const examples = [{ image: 0, pixels, tags: [1], labels: null }];
    const job = { stage, step: 0, leafCount: 1, microBatches: [{ leaf: 0, examples }] };
    const { result, computeMs } = await compute.call("gradients", job);
    if (!result[0]!.values.every(Number.isFinite)) throw new AppError("ENGINE_FAILED", "its gradients are not numbers");
    return { ok: true, ...compute.engine, loadMs, computeMs };
  } finally {
    await compute.close();
  }
}

const answer = await probe().catch((thrown: unknown) => {
  const { code, message, hint } = AppError.from(thrown);
  return { ok: false, code, message, hint };
});
process.stdout.write(`${JSON.stringify(answer)}\n`);
