/**
 * A photo in another size, the same bits on every machine: libvips' kernels (Lanczos' with 3 lobes where pixels get fewer, Catmull and
 * Rom's cubic where they get more), in whole numbers, with vector instructions (wasm/resample).
 */
import { type WasmMemory, WebAssembly, wasmPageBytes } from "../web-assembly.js";
import { resampleProgram } from "./resample-program.js";

export interface Picture {
  readonly width: number;
  readonly height: number;
  /** RGB, [height, width, 3] */
  readonly rgb: Uint8Array;
}

type Address = number;

interface ResampleProgram {
  resample(
    ...args: [
      ...[source: Address, rowBytes: number],
      ...[rowFirsts: Address, rowWeights: Address, rowTaps: number, rows: number],
      ...[columnFirsts: Address, columnWeights: Address, columnTaps: number, columns: number],
      ...[work: Address, out: Address],
    ]
  ): void;
}

/** What each place of an axis is made of. */
interface Axis {
  /** The first source place, for each. */
  readonly firsts: Int32Array;
  /** [places, taps]: those of a place add up to `whole`. */
  readonly weights: Int16Array;
  /** A multiple of what the program takes at a time. */
  readonly taps: number;
}

/** As much of an i16 as leaves room for weights above 1. */
const whole = 2 ** 14;
const tapsTogether = 4;
const vectorBytes = 16;
/** Photos of a set have few sizes. */
const axesMax = 256;

const memory: WasmMemory = new WebAssembly.Memory({ initial: 1 });
const program = new WebAssembly.Instance(new WebAssembly.Module(Buffer.from(resampleProgram, "base64")), {
  env: { memory },
}).exports as ResampleProgram;
const axes = new Map<string, Axis>();

/**
 * Squashes a picture into `out` [size, size, 3], which it returns, centre on centre. Sides of more than some times `size` lose
 * precision: there are too many weights for their whole.
 */
export function resampleToSquare({ width, height, rgb }: Picture, size: number, out: Uint8Array): Uint8Array {
  if (width === size && height === size) {
    out.set(rgb);
    return out;
  }
  const rows = axis(height, size);
  const columns = axis(width, size);
  let end = 0;
  const place = (bytes: number): Address => {
    const at = end;
    end += Math.ceil(bytes / vectorBytes) * vectorBytes;
    return at;
  };
  const [rowFirsts, rowWeights] = [place(rows.firsts.byteLength), place(rows.weights.byteLength)];
  const [columnFirsts, columnWeights] = [place(columns.firsts.byteLength), place(columns.weights.byteLength)];
  const source = place((height + rows.taps) * width * 3 + vectorBytes);
  const work = place((width + columns.taps) * 6 + 2 * vectorBytes);
  const target = place(size * size * 3 + 1);
  const missing = end - memory.buffer.byteLength;
  if (missing > 0) memory.grow(Math.ceil(missing / wasmPageBytes));
  new Int32Array(memory.buffer, rowFirsts).set(rows.firsts);
  new Int16Array(memory.buffer, rowWeights).set(rows.weights);
  new Int32Array(memory.buffer, columnFirsts).set(columns.firsts);
  new Int16Array(memory.buffer, columnWeights).set(columns.weights);
  new Uint8Array(memory.buffer, source).set(rgb);
  const down = [rowFirsts, rowWeights, rows.taps, size] as const;
  const across = [columnFirsts, columnWeights, columns.taps, size] as const;
  program.resample(source, width * 3, ...down, ...across, work, target);
  out.set(new Uint8Array(memory.buffer, target, size * size * 3));
  return out;
}

function axis(from: number, to: number): Axis {
  const key = `${from} ${to}`;
  const known = axes.get(key);
  if (known) return known;
  if (axes.size >= axesMax) axes.clear();
  const made = weigh(from, to);
  axes.set(key, made);
  return made;
}

/** Windows end at the photo's edge, and weigh as much there. */
function weigh(from: number, to: number): Axis {
  const scale = from / to;
  const [kernel, lobes] = scale > 1 ? [lanczos3, 3] : [catmullRom, 2];
  const stretch = Math.max(1, scale);
  const radius = lobes * stretch;
  const windows = Array.from({ length: to }, (_, place) => {
    const centre = (place + 0.5) * scale;
    const first = Math.max(0, Math.round(centre - radius));
    const end = Math.min(from, Math.round(centre + radius));
    const shares = Array.from({ length: end - first }, (__, tap) => kernel((first + tap + 0.5 - centre) / stretch));
    return { first, weights: inWholes(shares) };
  });
  const taps = tapsTogether * Math.ceil(Math.max(...windows.map(({ weights }) => weights.length)) / tapsTogether);
  const weights = new Int16Array(to * taps);
  for (const [place, window] of windows.entries()) weights.set(window.weights, place * taps);
  return { firsts: Int32Array.from(windows, ({ first }) => first), weights, taps };
}

/** Shares as whole numbers; what rounding leaves goes to the largest, so that a flat photo stays as it is. */
function inWholes(shares: readonly number[]): number[] {
  const sum = shares.reduce((total, share) => total + share, 0);
  const rounded = shares.map((share) => Math.round((share / sum) * whole));
  const left = rounded.reduce((rest, weight) => rest - weight, whole);
  rounded[rounded.indexOf(Math.max(...rounded))]! += left;
  return rounded;
}

function lanczos3(x: number): number {
  return Math.abs(x) < 3 ? sinc(x) * sinc(x / 3) : 0;
}

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}

function catmullRom(x: number): number {
  const d = Math.abs(x);
  if (d < 1) return (1.5 * d - 2.5) * d * d + 1;
  return d < 2 ? ((-0.5 * d + 2.5) * d - 4) * d + 2 : 0;
}
