/**
 * The only randomness of the project: a seeded generator, keyed by what it is for. Two places that name the same key
 * draw the same numbers, on any worker, in any order: that is what makes a micro-batch recomputable (docs/ARCHITECTURE.md).
 */
export class Rng {
  private state: number;

  /** Key parts are joined and hashed: `new Rng(seed, "augment", step, index)`. */
  constructor(...key: readonly (string | number)[]) {
    this.state = keyHash(...key);
  }

  /** Uniform in [0, 1), 32 bits (mulberry32, public domain, Tommy Ettinger). */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }

  /** Uniform in [low, high). */
  uniform(low: number, high: number): number {
    return low + (high - low) * this.next();
  }

  /** Integer in [0, count). */
  integer(count: number): number {
    return Math.floor(this.next() * count);
  }

  /**
   * Normal with mean 0 and deviation 1, as a sum of 12 uniforms: exact in every JavaScript engine, which
   * `Math.log` and `Math.cos` (Box-Muller) do not promise. Tails end at 6 deviations.
   */
  normal(): number {
    let sum = -6;
    for (let i = 0; i < 12; i++) sum += this.next();
    return sum;
  }

  /** A new, shuffled array (Fisher-Yates). */
  shuffled<T>(items: readonly T[]): T[] {
    const out = items.slice();
    for (let i = out.length - 1; i > 0; i--) {
      const j = this.integer(i + 1);
      const held = out[i]!;
      out[i] = out[j]!;
      out[j] = held;
    }
    return out;
  }
}

/** 32 bits that stand for a key. */
export function keyHash(...key: readonly (string | number)[]): number {
  return hash32(key.join("/"));
}

/** FNV-1a with a final avalanche (murmur3 fmix32), so that keys that differ in one digit land far apart. */
function hash32(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) | 0;
}
