import { describe, expect, test } from "vitest";
import { affinityOf, pamr } from "./pamr.js";

/** pamr.py's formula, written down once more without any of the tricks. */
function slowPamr(rgb: Float32Array, map: Float32Array, size: number, dilations: number[], iterations: number) {
  const clamp = (v: number) => Math.min(size - 1, Math.max(0, v));
  const ring = [-1, 0, 1].flatMap((dy) => [-1, 0, 1].map((dx) => [dy, dx] as const)).filter(([a, b]) => a || b);
  const offsets = dilations.flatMap((d) => ring.map(([dy, dx]) => [dy * d, dx * d] as const));
  const colourAt = (y: number, x: number, c: number) => rgb[(clamp(y) * size + clamp(x)) * 3 + c]!;
  const weightsOf = (y: number, x: number): number[] => {
    const exponents = offsets.map(() => 0);
    for (let c = 0; c < 3; c++) {
      const own = colourAt(y, x, c);
      const around = offsets.map(([dy, dx]) => colourAt(y + dy, x + dx, c));
      const all = [...around, ...dilations.map(() => own)];
      const mean = all.reduce((a, b) => a + b) / all.length;
      const deviation = Math.sqrt(all.reduce((a, b) => a + (b - mean) ** 2, 0) / (all.length - 1));
      around.forEach((other, n) => {
        exponents[n] = exponents[n]! - Math.abs(own - other) / (1e-8 + 0.1 * deviation) / 3;
      });
    }
    const powers = exponents.map((e) => Math.exp(e - Math.max(...exponents)));
    const sum = powers.reduce((a, b) => a + b);
    return powers.map((p) => p / sum);
  };
  let current = map;
  for (let i = 0; i < iterations; i++) {
    current = current.map((_, p) => {
      const [y, x] = [Math.floor(p / size), p % size];
      const weights = weightsOf(y, x);
      return offsets.reduce(
        (sum, [dy, dx], n) => sum + weights[n]! * current[clamp(y + dy) * size + clamp(x + dx)]!,
        0,
      );
    });
  }
  return current;
}

describe("PAMR (Araslanov and Roth 2020, section 3.3)", () => {
  const size = 8;
  const rgb = Float32Array.from({ length: size * size * 3 }, (_, i) => (i * 7919) % 256);
  const map = Float32Array.from({ length: size * size }, (_, i) => ((i * 31) % 17) / 17);

  test("agrees with the formula written out", () => {
    const fast = pamr(map, 1, affinityOf(rgb, size, [1, 3]), 2);
    const slow = slowPamr(rgb, map, size, [1, 3], 2);
    fast.forEach((value, i) => {
      expect(value).toBeCloseTo(slow[i]!, 5);
    });
  });

  test("moves a mask's border to the image's edge", () => {
    const edge = Float32Array.from({ length: size * size * 3 }, (_, i) => (Math.floor(i / 3) % size < 4 ? 20 : 220));
    /** The mask ends one pixel short of the edge. */
    const short = Float32Array.from({ length: size * size }, (_, p) => (p % size < 3 ? 1 : 0));
    const refined = pamr(short, 1, affinityOf(edge, size, [1, 2]), 10);
    for (let y = 0; y < size; y++) {
      expect(refined[y * size + 3]).toBeGreaterThan(0.5);
      expect(refined[y * size + 4]).toBeLessThan(0.1);
    }
  });

  test("a pixel's weights sum to 1, so a constant map stays as it is", () => {
    const constant = new Float32Array(size * size).fill(0.25);
    for (const value of pamr(constant, 1, affinityOf(rgb, size, [1, 2]), 5)) expect(value).toBeCloseTo(0.25, 5);
  });

  test("channels do not mix", () => {
    const affinity = affinityOf(rgb, size, [1, 2]);
    const two = Float32Array.from({ length: 2 * map.length }, (_, i) => (i % 2 === 0 ? map[i / 2]! : 0));
    const alone = pamr(map, 1, affinity, 3);
    pamr(two, 2, affinity, 3).forEach((value, i) => {
      expect(value).toBe(i % 2 === 0 ? alone[i / 2]! : 0);
    });
  });

  test("no iterations change nothing", () => {
    expect(pamr(map, 1, affinityOf(rgb, size, [1]), 0)).toEqual(map);
  });
});
