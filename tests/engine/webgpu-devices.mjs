/** What asking for each of these GPUs leads to, as one line of JSON: webgpu-devices.mjs INDEX|NAME... */
const { loadEngine } = await import("../../dist/worker/engine/load.js");

const answers = [];
for (const gpu of process.argv.slice(2)) {
  const engine = await loadEngine({ engine: "webgpu", threads: 1, gpu }).catch((error) => ({ device: error.message }));
  answers.push(engine.device);
}
process.stdout.write(`${JSON.stringify(answers)}\n`);
process.exit(0);
