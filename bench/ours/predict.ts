/**
 * Masks of photos, as `seedgrow predict --raw` makes them, threads and all: every photo is computed alone, so that none depends
 * on the others.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Predictor, readModel } from "../../worker/predict.js";
import { answer, givenWork } from "../lib/answer.js";
import { type NetworkWork, noise } from "./network.js";

const work = givenWork<NetworkWork>();
const { batch, size, threads } = work;
const writer = fileURLToPath(new URL("./write-model.js", import.meta.url));
const modelDir = mkdtempSync(join(tmpdir(), "seedgrow-predict-"));
execFileSync(process.execPath, [writer, process.argv[2]!, modelDir], { stdio: "ignore" });
const predictor = await Predictor.open({ modelDir, model: await readModel(modelDir), engine: "tensorflow", threads });
rmSync(modelDir, { recursive: true });
const photos = Array.from({ length: batch }, (_, image) => ({ ...noise(image, size), width: size, height: size }));
await answer(predictor.engine.version, async () => {
  const masks = await Promise.all(photos.map((photo) => predictor.predict(photo, null, { raw: true })));
  return masks.length;
});
await predictor.close();
