/** Draws a batch of crops for every message, as a worker's compute thread does: reading and decoding are the main thread's. */
import { parentPort, workerData } from "node:worker_threads";
import { methodConfigSchema } from "../../shared/config/method.js";
import { Rng } from "../../shared/rng.js";
import type { Example } from "../../worker/compute/contract.js";
import { drawCrop, drawLight, drawPixels } from "../../worker/segmentation/augment.js";
import { openCrops } from "./crops.js";

export interface CropWork {
  readonly size: number;
  readonly batch: number;
}

const { size, batch } = workerData as CropWork;
const { augment: light } = methodConfigSchema.parse({});
const draw = (await openCrops()) ?? drawPixels;
const cells = size * size;
const pixels = new Float32Array(batch * cells * 3);
let drawn = 0;

parentPort!.on("message", (examples: readonly Example[]) => {
  for (const [slot, example] of examples.entries()) {
    const rng = new Rng("bench", drawn++, slot);
    const crop = drawCrop([0.6, 1], size, rng);
    const out = pixels.subarray(slot * cells * 3, (slot + 1) * cells * 3);
    draw(example.pixels, size, crop, drawLight(light, rng), size, out);
  }
  parentPort!.postMessage(examples.length);
});
parentPort!.postMessage("ready");
