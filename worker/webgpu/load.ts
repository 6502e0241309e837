/** Loads the webgpu engine: tfjs-backend-webgpu on Dawn, for GPUs with a driver for Vulkan, Metal or Direct3D 12. */
import { createRequire } from "node:module";
import { AppError } from "../../shared/errors.js";
import type { Engine } from "../engine/load.js";
import type { Tf } from "../segmentation/tf.js";
import { adapterNames, chooseName, type Gpu, type GpuAdapter, requireDawn } from "./adapters.js";
import { installConvolutions } from "./convolution.js";
import { installCrops } from "./crops.js";
import { installDepthwise } from "./depthwise.js";
import type { GpuDevice } from "./gpu.js";
import { installGroupNorm } from "./group-norm.js";
import { halvesFeatures, halvesToggles, hoistDirectives } from "./halves.js";
import { lackOfHalves } from "./halves-proof.js";
import { installPamr } from "./pamr.js";
import { installPooling } from "./pooling.js";
import { installReductions } from "./reduce.js";
import { installRelu } from "./relu.js";
import { replayCompiler } from "./replay.js";
import { installUpsample } from "./upsample.js";

interface BackendPackage {
  readonly WebGPUBackend: new (device: GpuDevice, info: object) => object;
}

/** What tfjs's kernels may ask for; WebGPU gives its smallest values to who does not ask. */
const limitNames = [
  "maxComputeWorkgroupStorageSize",
  "maxComputeWorkgroupsPerDimension",
  "maxStorageBufferBindingSize",
  "maxBufferSize",
  "maxComputeWorkgroupSizeX",
  "maxComputeInvocationsPerWorkgroup",
];

/** Timestamps to the nanosecond, not to .1 ms as for pages that should not spy: what benchmarks read. */
const exactClock = ["disable-dawn-features=timestamp_quantization"];

/** Dawn's devices crash the process when the object that they came from is collected. */
const kept: unknown[] = [];

/** Part of the fingerprint: raised whenever our kernels compute more, or give other bits. 2: crops and PAMR. */
const kernelsEdition = 2;

function chosenKernels(wanted: string): "own" | "stock" {
  if (wanted === "own" || wanted === "stock") return wanted;
  throw new AppError("CONFIG_INVALID", `SEEDGROW_WEBGPU_KERNELS is "${wanted}"; use own or stock`);
}

/** In place of tfjs's, or of what the method would compose. */
function installKernels(tf: Tf): void {
  installConvolutions(tf);
  installDepthwise(tf);
  installReductions(tf);
  installRelu(tf);
  installGroupNorm(tf);
  installUpsample(tf);
  installCrops(tf);
  installPamr(tf);
}

/** @param gpu index or part of a name, "": any. @throws AppError ENGINE_MISSING | ENGINE_FAILED */
export async function loadWebgpu(reason: string, gpu: string): Promise<Engine> {
  const kernels = chosenKernels(process.env.SEEDGROW_WEBGPU_KERNELS || "own");
  const dawn = requireDawn();
  const name = gpu === "" ? null : chooseName(gpu, await adapterNames(dawn));
  const entry = dawn.create([...exactClock, halvesToggles, ...(name === null ? [] : [`adapter=${name}`])]);
  kept.push(entry);
  const adapter = await entry.requestAdapter({ powerPreference: "high-performance" });
  if (!adapter) {
    throw new AppError("ENGINE_MISSING", "the webgpu engine finds no GPU", {
      hint: "It needs a driver for Vulkan (with libvulkan.so.1), Metal or Direct3D 12: docs/ENGINES.md.",
    });
  }
  const requiredLimits = Object.fromEntries(limitNames.map((limit) => [limit, adapter.limits[limit]]));
  const halves = kernels === "own" ? halvesFeatures(adapter) : [];
  const requiredFeatures = ["timestamp-query"].filter((feature) => adapter.features.has(feature)).concat(halves);
  const device = await adapter.requestDevice({ requiredFeatures, requiredLimits });
  kept.push(adapter, device);
  if (halves.length > 0) hoistDirectives(device);
  const require = createRequire(import.meta.url);
  // tfjs first: it must take this for Node, not for a browser.
  const tf = require("@tensorflow/tfjs") as Tf;
  Object.assign(globalThis, dawn.globals);
  const { WebGPUBackend } = require("@tensorflow/tfjs-backend-webgpu") as BackendPackage;
  const backend = asInBrowser(entry, () => new WebGPUBackend(device, adapter.info));
  tf.registerBackend("webgpu", () => backend as never);
  if (!(await tf.setBackend("webgpu"))) throw new AppError("ENGINE_FAILED", "tfjs-backend-webgpu does not start");
  installPooling(tf);
  if (kernels === "own") installKernels(tf);
  return {
    ...describe(tf, adapter, reason, device, kernels),
    lackOfHalves: async () => (halves.length > 0 ? lackOfHalves(tf) : "this GPU's driver offers no such matrix units"),
  };
}

/** The backend's constructor looks whether there is WebGPU: in a page or a page's worker. */
function asInBrowser<T>(gpu: Gpu, make: () => T): T {
  const scope = globalThis as { navigator?: unknown; WorkerGlobalScope?: unknown };
  const navigator = Object.getOwnPropertyDescriptor(scope, "navigator");
  Object.defineProperty(scope, "navigator", { value: { gpu }, configurable: true });
  scope.WorkerGlobalScope = Object;
  try {
    return make();
  } finally {
    Reflect.deleteProperty(scope, "WorkerGlobalScope");
    Reflect.deleteProperty(scope, "navigator");
    if (navigator) Object.defineProperty(scope, "navigator", navigator);
  }
}

function describe(tf: Tf, { info }: GpuAdapter, reason: string, device: GpuDevice, kernels: "own" | "stock"): Engine {
  const version = `tfjs ${tf.version.tfjs} / WebGPU`;
  const name = [info.vendor, info.architecture, info.device].filter((part) => part !== "").join(" ");
  return {
    name: "webgpu",
    reason,
    tf,
    compile: replayCompiler(tf),
    version,
    device: `gpu: ${name}, ${info.description}`,
    fingerprint: [
      "webgpu",
      version,
      `kernels=${kernels === "own" ? `own-${kernelsEdition}` : kernels}`,
      name,
      info.description,
    ].join("; "),
    lost: endOf(device),
  };
}

/**
 * Memory that does not fit and programs that are not valid are no exceptions in WebGPU: results would silently be zeros. After
 * the first such error nothing of this device is believed any more.
 */
function endOf(device: GpuDevice): Promise<string> {
  return new Promise((resolve) => {
    device.addEventListener("uncapturederror", ({ error }) => {
      resolve(`the GPU refuses: ${error.message.split("\n")[0]}`);
      // Whoever waits for a read hears of it now.
      device.destroy();
    });
    void device.lost.then(({ reason, message }) => resolve(`the GPU's device is lost (${reason}): ${message}`));
  });
}
