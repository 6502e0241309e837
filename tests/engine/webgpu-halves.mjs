/**
 * Products in float16 (half-tiles.ts). Everywhere: their programs, as tfjs hands them to Dawn, are valid WGSL, by the device of
 * Dawn's that computes nothing. On a GPU with matrix units: what they compute. Prints one line of JSON.
 */
import { createRequire } from "node:module";

const { loadEngine } = await import("../../dist/worker/engine/load.js");
const { relativeDifference } = await import("../../dist/shared/math/relative-difference.js");
const { requireDawn } = await import("../../dist/worker/webgpu/adapters.js");
const { installConvolutions } = await import("../../dist/worker/webgpu/convolution.js");
const { halvesNeeded, halvesToggles, hoistDirectives } = await import("../../dist/worker/webgpu/halves.js");
const { convolved, kernelNames, resultsOf } = await import("../../dist/worker/webgpu/halves-proof.js");

/** [side, from, to, filter's side, stride]: narrow and wide, photos, sums that are cut into parts, rows that do not fill a tile. */
const windows = [
  [8, 8, 8, 3, 1],
  [5, 4, 4, 1, 1],
  [9, 24, 44, 1, 1],
  [16, 32, 64, 3, 2],
  [8, 512, 96, 1, 1],
  [19, 20, 132, 3, 2],
  [32, 3, 32, 3, 2],
];

/** What Dawn's compiler says against the programs, and which tiles they make. */
async function compiled() {
  const require = createRequire(import.meta.url);
  const dawn = requireDawn();
  const gpu = dawn.create(["backend=null", halvesToggles]);
  const adapter = await gpu.requestAdapter();
  const device = await adapter.requestDevice({ requiredFeatures: halvesNeeded });
  const tf = require("@tensorflow/tfjs");
  Object.assign(globalThis, dawn.globals);
  const { WebGPUBackend } = require("@tensorflow/tfjs-backend-webgpu");
  // As a page has it: the backend's constructor looks.
  Object.defineProperty(globalThis, "navigator", { value: { gpu }, configurable: true });
  globalThis.WorkerGlobalScope = Object;
  const modules = [];
  const { createShaderModule } = device;
  device.createShaderModule = (descriptor) => {
    const module = createShaderModule.call(device, descriptor);
    modules.push({ code: descriptor.code, module });
    return module;
  };
  hoistDirectives(device);
  // It allows a group less memory than the programs want, and runs nothing: that is no finding.
  device.addEventListener("uncapturederror", () => undefined);
  tf.registerBackend("webgpu", () => new WebGPUBackend(device, adapter.info));
  await tf.setBackend("webgpu");
  installConvolutions(tf);
  for (const window of windows) convolved(tf, window, "f16");
  const halves = modules.filter(({ code }) => /^\s*enable f16/.test(code));
  const errors = [];
  for (const { module } of halves) {
    for (const { type, message, lineNum } of (await module.getCompilationInfo()).messages)
      errors.push(`${type}, line ${lineNum}: ${message}`);
  }
  globalThis.kept = [gpu, adapter, device];
  const tiles = Object.keys(tf.backend().pipelineCache).flatMap(
    (key) => /^seedgrow_conv.* (\d+x\d+) true true/.exec(key)?.[1] ?? [],
  );
  return { tiles: [...new Set(tiles)].sort(), errors };
}

/** On the GPU that there is. */
async function computed() {
  const { tf, lackOfHalves, device } = await loadEngine({ engine: "webgpu", threads: 1 });
  const lack = await lackOfHalves();
  const before = tf.memory().numTensors;
  const differences = {};
  if (lack === null) {
    for (const window of windows) {
      const exact = await resultsOf(tf, window, "f32");
      const [half, again] = [await resultsOf(tf, window, "f16"), await resultsOf(tf, window, "f16")];
      for (const [i, name] of kernelNames.entries()) {
        const isSame = half[i].every((value, at) => Object.is(value, again[i][at]));
        differences[`${window}, ${name}`] = isSame
          ? relativeDifference(half[i], exact[i])
          : "other bits the second time";
      }
    }
  }
  return { device, lack, differences, leaked: tf.memory().numTensors - before };
}

const work = process.argv[2] === "compiled" ? compiled : computed;
process.stdout.write(`${JSON.stringify(await work())}\n`);
process.exit();
