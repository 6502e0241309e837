/**
 * Value noise and its fractal sum, for everything in a synthetic scene that must look grown rather than drawn: clouds,
 * sand, fur, the wobble of a stripe. Integer hashing only, so that a seed gives the same picture on every machine.
 */
export class Noise {
  constructor(private readonly seed: number) {}

  /** Smooth noise in [0, 1) with features about one unit wide. */
  at(x: number, y: number): number {
    const x0 = Math.floor(x);
    const y0 = Math.floor(y);
    const fx = smooth(x - x0);
    const fy = smooth(y - y0);
    const top = mix(this.lattice(x0, y0), this.lattice(x0 + 1, y0), fx);
    return mix(top, mix(this.lattice(x0, y0 + 1), this.lattice(x0 + 1, y0 + 1), fx), fy);
  }

  /** Fractal sum of octaves, each twice as fine and half as strong; in [0, 1). */
  fractal(x: number, y: number, octaves: number): number {
    let sum = 0;
    let weight = 0.5;
    let frequency = 1;
    for (let octave = 0; octave < octaves; octave++) {
      sum += weight * this.at(x * frequency + octave * 17.3, y * frequency - octave * 9.1);
      weight *= 0.5;
      frequency *= 2;
    }
    return sum / (1 - 0.5 ** octaves);
  }

  private lattice(x: number, y: number): number {
    let h = Math.imul(x, 0x27d4eb2f) ^ Math.imul(y, 0x165667b1) ^ this.seed;
    h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d);
    h = Math.imul(h ^ (h >>> 12), 0x297a2d39);
    return ((h ^ (h >>> 15)) >>> 0) / 4294967296;
  }
}

export function mix(a: number, b: number, t: number): number {
  return a + (b - a) * t;
}

export function clamp(value: number, low: number, high: number): number {
  return Math.max(low, Math.min(high, value));
}

/** 0 below `low`, 1 above `high`, an S between. */
export function smoothStep(low: number, high: number, value: number): number {
  const t = clamp((value - low) / (high - low), 0, 1);
  return t * t * (3 - 2 * t);
}

function smooth(t: number): number {
  return t * t * t * (t * (t * 6 - 15) + 10);
}
