/**
 * Writes a saved model with random weights, which `seedgrow predict` opens: argv 2: the work, 3: the folder. A process of its own, by
 * tfjs's own JavaScript, so that what is measured has loaded one engine.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs";
import { bytesOf, sha256 } from "../../shared/codec/digest.js";
import { type SavedModel, savedModelFile } from "../../shared/data/saved-model.js";
import { createCompute } from "../../worker/segmentation/compute.js";
import { givenWork } from "../lib/answer.js";
import { backboneFiles } from "./backbones.js";
import { methodOf, type NetworkWork, stage } from "./network.js";

const work = givenWork<NetworkWork>();
const dir = process.argv[3]!;
await tf.setBackend("cpu");
const method = methodOf(work);
const classes = ["a", "b"];
const backbone = await backboneFiles(tf, work.network);
const compute = await createCompute(tf, { method, seed: 0, classes, backbone }, null);
const params = bytesOf(compute.init(stage).values);
const model: SavedModel = {
  ...{ version: 1, seedgrowVersion: "bench", runId: "bench", seed: 0, classes, method, round: stage.round },
  params: { file: "params.f32", digest: sha256(params) },
  backbone: { modelJson: "model.json", weights: "weights.bin", sidecar: null },
};
writeFileSync(join(dir, "params.f32"), params);
writeFileSync(join(dir, "model.json"), backbone.modelJson);
writeFileSync(join(dir, "weights.bin"), backbone.weights);
writeFileSync(join(dir, savedModelFile), JSON.stringify(model));
