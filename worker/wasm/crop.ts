/** Drawing crops with wasm/crop: the bits of segmentation/augment.ts's formula, with vector instructions. */
import { readFile } from "node:fs/promises";
import { type WasmMemory, WebAssembly, wasmPageBytes } from "../../shared/web-assembly.js";
import { columnTaps, type DrawPixels, type Slot, walkRows } from "../segmentation/augment.js";

type Address = number;
type Mix = (
  ...args: [top: Address, bottom: Address, v: number, out: Address, count: number, gain: number, ...rgb: number[]]
) => void;

/** wasm/crop/index.ts, compiled. */
interface CropKernels {
  stretch(source: Address, taps: Address, out: Address, count: number): void;
  readonly mix: Mix;
  readonly mixGrey: Mix;
}

const kernelsUrl = new URL("./crop.wasm", import.meta.url);
const tapBytes = 16;
/** f64 RGB. */
const stretchedBytes = 24;

export async function openCropKernels(): Promise<DrawPixels> {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const { instance } = await WebAssembly.instantiate(await readFile(kernelsUrl), { env: { memory } });
  const kernels = instance.exports as CropKernels;
  return (source, imageSize, crop, light, size, out) => {
    const at = layOut(memory, source.length, size);
    new Uint8Array(memory.buffer).set(source, at.source);
    writeTaps(memory, at.taps, columnTaps(crop, imageSize, size));
    const [red, green, blue] = light.offset;
    const mix = light.grey ? kernels.mixGrey : kernels.mix;
    const stretched = (slot: Slot) => at.stretched[slot];
    const stretch = (slot: Slot, row: number) =>
      kernels.stretch(at.source + row * imageSize * 3, at.taps, stretched(slot), size);
    walkRows(crop, imageSize, size, stretch, (y, upper, lower, v) => {
      const to = at.out + y * size * 12;
      mix(stretched(upper), stretched(lower), v, to, size, light.gain, red, green, blue);
    });
    out.set(new Float32Array(memory.buffer, at.out, size * size * 3));
  };
}

/** Where everything lies; the memory grows to hold it. One pixel more than is wanted: the kernels read and write in pairs. */
function layOut(memory: WasmMemory, sourceBytes: number, size: number) {
  const width = size + 1;
  const taps = 0;
  const stretched = [taps + width * tapBytes, taps + width * (tapBytes + stretchedBytes)] as const;
  const source = stretched[1] + width * stretchedBytes;
  const out = (source + sourceBytes + tapBytes) & ~(tapBytes - 1);
  const missing = out + size * size * 12 + stretchedBytes - memory.buffer.byteLength;
  if (missing > 0) memory.grow(Math.ceil(missing / wasmPageBytes));
  return { taps, stretched, source, out };
}

function writeTaps(memory: WasmMemory, at: Address, { left, right, rest }: ReturnType<typeof columnTaps>): void {
  const bytes = new Int32Array(memory.buffer, at, left.length * 4);
  const weights = new Float64Array(memory.buffer, at, left.length * 2);
  for (let x = 0; x < left.length; x++) {
    bytes[4 * x] = left[x]!;
    bytes[4 * x + 1] = right[x]!;
    weights[2 * x + 1] = rest[x]!;
  }
}
