/**
 * sRGB bytes to CIELAB (D65): the colour space in which equal distances look equally different, which SLIC and the
 * saliency prior measure in. Tables replace the powers: exact for sRGB's 256 levels, within 0.02 for the cube root.
 */

const linear = Float64Array.from({ length: 256 }, (_, byte) => {
  const level = byte / 255;
  return level <= 0.04045 ? level / 12.92 : ((level + 0.055) / 1.055) ** 2.4;
});

const cubeRootSteps = 4096;
/** CIE's f: a cube root, with a straight piece near black. */
const cubeRoot = Float64Array.from({ length: cubeRootSteps + 1 }, (_, i) => {
  const t = i / cubeRootSteps;
  return t > 216 / 24389 ? Math.cbrt(t) : ((24389 / 27) * t + 16) / 116;
});

function f(t: number): number {
  const at = Math.min(t, 1) * cubeRootSteps;
  const i = Math.min(cubeRootSteps - 1, Math.floor(at));
  return cubeRoot[i]! + (at - i) * (cubeRoot[i + 1]! - cubeRoot[i]!);
}

/** [.., 3] bytes -> [.., 3] L 0..100, a and b about -100..100. */
export function toLab(rgb: ArrayLike<number>): Float32Array {
  const lab = new Float32Array(rgb.length);
  for (let i = 0; i < rgb.length; i += 3) {
    const r = linear[Math.round(rgb[i]!)]!;
    const g = linear[Math.round(rgb[i + 1]!)]!;
    const b = linear[Math.round(rgb[i + 2]!)]!;
    const x = f((0.4124564 * r + 0.3575761 * g + 0.1804375 * b) / 0.95047);
    const y = f(0.2126729 * r + 0.7151522 * g + 0.072175 * b);
    const z = f((0.0193339 * r + 0.119192 * g + 0.9503041 * b) / 1.08883);
    lab[i] = 116 * y - 16;
    lab[i + 1] = 500 * (x - y);
    lab[i + 2] = 200 * (y - z);
  }
  return lab;
}
