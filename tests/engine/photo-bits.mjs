/**
 * What a process predicts for eight photos, as one SHA-256 of the network's probabilities and one of the masks, refined and raw:
 * photo-bits.mjs DIST MODEL_DIR THREADS CONSTANT, CONSTANT 1: parameters are constants of the graph.
 * The masks are those of a Predictor, which gets all photos at once.
 */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { squarePicture } from "./pictures.mjs";

const [dist, modelDir, threadsAsked, constant] = process.argv.slice(2);
const threads = Number(threadsAsked);
const load = (path) => import(join(dist, path));
const { Predictor, readModel } = await load("worker/predict.js");
const { photoThreads } = await load("worker/core/photo-threads.js");
const { float32Of } = await load("shared/codec/digest.js");
const model = await readModel(modelDir);
const { method, seed, classes, round } = model;
const size = method.imageSize;
const photos = Array.from({ length: 8 }, (_, i) => {
  const { pixels } = squarePicture(1 + (i % 2), size);
  return { pixels: pixels.map((value, at) => value ^ ((at * (i + 1)) % 29)), width: size + i, height: size };
});

const predictor = await Predictor.open({ modelDir, model, engine: "tensorflow", threads });
const predictAll = (raw) => Promise.all(photos.map((photo) => predictor.predict(photo, null, { raw })));
// Until all its threads are there.
while (predictor.computes.held.size < threads) await predictAll(true);
const masks = createHash("sha256");
for (const raw of [true, false]) for (const mask of await predictAll(raw)) masks.update(mask);

// The Predictor has set the environment that this thread's engine wants too.
const { loadEngine } = await load("worker/engine/load.js");
const { createCompute } = await load("worker/segmentation/compute.js");
const { engine } = photoThreads({ threads, modelBytes: 1e6, imageSize: size });
const { tf, compile } = await loadEngine({ engine: "tensorflow", ...engine });
const maps = createHash("sha256");
const heard = async (build) => {
  const program = await compile(build);
  const run = (inputs) => {
    const output = program.run(inputs);
    maps.update(new Uint8Array(output.dataSync().buffer));
    return output;
  };
  return { ...program, run };
};
const compute = await createCompute(tf, { method, seed, classes, backbone: null, isTrained: constant === "1" }, heard);
const values = float32Of(new Uint8Array(await readFile(join(modelDir, model.params.file))));
compute.load({ model: "segmenter", round }, values);
for (const [image, photo] of photos.entries()) {
  const [{ labels }] = await compute.predict([{ image, ...photo, allowed: null, raw: true }]);
  if (labels.every((label) => label === labels[0])) throw new Error("a mask of one class shows nothing");
}
process.stdout.write(
  JSON.stringify({ threads: predictor.photosAtOnce, maps: maps.digest("hex"), masks: masks.digest("hex") }),
);
await predictor.close();
