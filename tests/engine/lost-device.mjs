/**
 * A GPU that is lost in the middle of a computation, and the engine that is started in its place; with lose-engine.cjs preloaded.
 * A process of its own, for the driver is found by its environment, and a mistake here aborts it. Prints one line of JSON.
 */
import { createHash } from "node:crypto";
import { squarePicture } from "./pictures.mjs";

const { ComputeClient } = await import("../../dist/worker/compute/client.js");
const { EngineKeeper } = await import("../../dist/worker/compute/keeper.js");
const { methodConfigSchema } = await import("../../dist/shared/config/method.js");

const method = methodConfigSchema.parse({
  imageSize: 32,
  cam: { scales: [1] },
  pamr: { size: 16, dilations: [1] },
  scratch: { widths: [8, 8, 8, 8] },
});
const stage = { model: "classifier", round: 0 };
const log = [];
const keeper = await EngineKeeper.start({
  start: () => ComputeClient.start({ engine: "webgpu", threads: 1, gpu: "" }),
  nowMs: () => performance.now(),
  log: (message) => log.push(message),
});

async function seeds() {
  const { result } = await keeper.call("seeds", [squarePicture(1, 32)]);
  const [{ cam, labels, scores }] = result;
  return createHash("sha256").update(cam).update(labels).update(Float64Array.from(scores)).digest("hex");
}

async function setUp() {
  await keeper.setup({ method, seed: 7, classes: ["horse", "zebra"], backbone: null });
  const { result } = await keeper.call("init", stage);
  await keeper.call("load", stage, result.values);
}

await setUp();
const before = await seeds();
const lost = await seeds().catch(({ code, message }) => ({ code, message }));
const { losses } = keeper;
await keeper.ready();
await setUp();
const after = await seeds();
await keeper.close();
process.stdout.write(`${JSON.stringify({ before, lost, losses, after, log })}\n`);
