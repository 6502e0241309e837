/** Drawing crops with wasm/crop: the bits of segmentation/augment.ts's formula, with vector instructions. */
import { readFile } from "node:fs/promises";
import { type WasmMemory, WebAssembly, wasmPageBytes } from "../../shared/web-assembly.js";
import type { DrawPixels } from "../segmentation/augment.js";

type Address = number;

/** wasm/crop/index.ts, compiled. */
interface CropKernels {
  workBytes(imageSize: number, size: number): number;
  spareBytes(): number;
  draw(
    ...args: [
      ...[source: Address, imageSize: number, work: Address, out: Address, size: number],
      ...[x: number, y: number, side: number, mirrored: boolean],
      ...[gain: number, red: number, green: number, blue: number, grey: boolean],
    ]
  ): void;
}

const kernelsUrl = new URL("./crop.wasm", import.meta.url);
/** Vectors are read and written quicker when their addresses are multiples of their size. */
const vectorBytes = 16;

export async function openCropKernels(): Promise<DrawPixels> {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const { instance } = await WebAssembly.instantiate(await readFile(kernelsUrl), { env: { memory } });
  const kernels = instance.exports as CropKernels;
  return (source, imageSize, { x, y, side, mirrored }, { gain, offset, grey }, size, out) => {
    const at = layOut(memory, kernels, source.length, imageSize, size);
    new Uint8Array(memory.buffer).set(source, at.source);
    kernels.draw(at.source, imageSize, at.work, at.out, size, x, y, side, mirrored, gain, ...offset, grey);
    out.set(new Float32Array(memory.buffer, at.out, size * size * 3));
  };
}

/** Where everything lies; the memory grows to hold it. */
function layOut(memory: WasmMemory, kernels: CropKernels, sourceBytes: number, imageSize: number, size: number) {
  const work = 0;
  const source = aligned(kernels.workBytes(imageSize, size));
  const out = aligned(source + sourceBytes + 1);
  const missing = out + size * size * 12 + kernels.spareBytes() - memory.buffer.byteLength;
  if (missing > 0) memory.grow(Math.ceil(missing / wasmPageBytes));
  return { work, source, out };
}

function aligned(address: Address): Address {
  return Math.ceil(address / vectorBytes) * vectorBytes;
}
