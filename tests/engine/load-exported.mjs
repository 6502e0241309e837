// Runs an exported SavedModel (libtensorflow) and tfjs model (tfjs-node) on one picture; prints their largest difference.
import { writeFileSync } from "node:fs";
import { engineEnv, loadEngine } from "../../dist/worker/engine/load.js";

const [savedDir, tfjsDir, side] = process.argv.slice(2);
const options = { engine: "auto", threads: 1 };
Object.assign(process.env, engineEnv(options));
const { tf } = await loadEngine(options);
const pixels = Float32Array.from({ length: side * side * 3 }, (_, i) => (i * 7919) % 256);
const image = tf.tensor4d(pixels, [1, Number(side), Number(side), 3]);
const saved = await tf.node.loadSavedModel(savedDir, ["serve"], "serving_default");
const [a, b] = [saved.predict({ image }), (await tf.loadGraphModel(`file://${tfjsDir}/model.json`)).predict(image)];
const first = await (a.probabilities ?? a).data();
const second = await b.data();
writeFileSync(`${tfjsDir}/probabilities.json`, JSON.stringify([...second]));
let difference = 0;
for (let i = 0; i < first.length; i++) difference = Math.max(difference, Math.abs(first[i] - second[i]));
process.stdout.write(JSON.stringify({ difference, values: first.length, sum: first.reduce((x, y) => x + y, 0) }));
process.exit(0);
