/**
 * `method.math: f16`: products of convolutions in float16, sums and all else in float32, by a GPU's matrix units. WebGPU has no such
 * thing yet; Dawn has it as an experiment (chromium-experimental-subgroup-matrix), and hides float16 on NVIDIA's GPUs under Vulkan for
 * what its conformance tests find there. So every engine proves its products before it trains with them (halves-proof.ts).
 */
import type { TensorInfo } from "@tensorflow/tfjs";
import type { MathMode } from "../../shared/config/method.js";
import type { GpuAdapter } from "./adapters.js";
import type { GpuBackend, GpuDevice } from "./gpu.js";
import { groupBytesMax, subgroupSize, unitSide } from "./half-tiles.js";
import { peaksOf } from "./peaks.js";

/** Of Dawn: what it has to be told to offer them. Nothing changes for programs that do without. */
export const halvesToggles = "enable-dawn-features=allow_unsafe_apis,vulkan_enable_f16_on_nvidia";

export const halvesNeeded = ["shader-f16", "subgroups", "chromium-experimental-subgroup-matrix"];

/** What to ask of the device: nothing, where its units are not those that half-tiles.ts is for. */
export function halvesFeatures({ info, features, limits }: GpuAdapter): readonly string[] {
  const hasUnits = [...(info.subgroupMatrixConfigs ?? [])].some(({ M, N, K, componentType, resultComponentType }) => {
    const isSquare = M === unitSide && N === unitSide && K === unitSide;
    return isSquare && componentType === "f16" && resultComponentType === "f32";
  });
  const isFixed = info.subgroupMinSize === subgroupSize && info.subgroupMaxSize === subgroupSize;
  const isLarge = limits.maxComputeWorkgroupStorageSize! >= groupBytesMax;
  return hasUnits && isFixed && isLarge && halvesNeeded.every((feature) => features.has(feature)) ? halvesNeeded : [];
}

interface Scope {
  readonly math: MathMode;
  /** By gradient, which two convolutions read: its peaks. */
  readonly peaks: Map<object, TensorInfo>;
  readonly ends: (() => void)[];
}

let scope: Scope = { math: "f32", peaks: new Map(), ends: [] };

/** Convolutions that `work` begins multiply in it. */
export function multiplyingIn<T>(math: MathMode, work: () => T): T {
  const before = scope;
  scope = { math, peaks: new Map(), ends: [] };
  try {
    return work();
  } finally {
    for (const end of scope.ends) end();
    scope = before;
  }
}

export function multipliesInHalves(): boolean {
  return scope.math === "f16";
}

/** Stays until `multiplyingIn` is over. */
export function knownPeaksOf(backend: GpuBackend, dy: TensorInfo): TensorInfo {
  const known = scope.peaks.get(dy.dataId);
  if (known) return known;
  const peaks = peaksOf(backend, dy);
  scope.peaks.set(dy.dataId, peaks);
  scope.ends.push(() => void backend.disposeData(peaks.dataId));
  return peaks;
}

/** tfjs begins every program with texts of its own; WGSL wants directives before all else. */
export function hoistDirectives(device: GpuDevice): void {
  const { createShaderModule } = device;
  device.createShaderModule = (descriptor) => {
    return createShaderModule.call(device, { ...descriptor, code: hoisted(descriptor.code) });
  };
}

const directive = /^[ ]*(?:enable|diagnostic)\b[^;{]*;\n/gm;

export function hoisted(code: string): string {
  const directives = code.match(directive);
  return directives ? directives.join("") + code.replace(directive, "") : code;
}
