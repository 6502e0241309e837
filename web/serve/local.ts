/** Asks the web worker that holds the model; it is started, and the model loaded, when it is wanted first. */
import type { EngineReply, EngineRequest } from "./engine.js";
import type { FoundClass } from "./picture.js";

export interface LocalResult {
  readonly labels: Uint8Array;
  readonly ms: number;
  readonly backend: string;
}

export class LocalModel {
  private worker: Worker | null = null;
  private readonly waiting = new Map<number, { resolve: (result: LocalResult) => void; reject: (e: Error) => void }>();
  private nextId = 1;

  /** `imageSize`: side of the model's input, pixels. */
  constructor(private readonly imageSize: number) {}

  segment(photo: ImageBitmap): Promise<LocalResult> {
    this.worker ??= this.start();
    const request: EngineRequest = {
      id: this.nextId++,
      pixels: squarePixels(photo, this.imageSize),
      width: photo.width,
      height: photo.height,
    };
    return new Promise((resolve, reject) => {
      this.waiting.set(request.id, { resolve, reject });
      this.worker!.postMessage(request);
    });
  }

  private start(): Worker {
    const worker = new Worker("/engine.js", { type: "module" });
    worker.addEventListener("message", ({ data }: MessageEvent<EngineReply>) => this.settle(data));
    worker.addEventListener("error", () => {
      for (const { reject } of this.waiting.values()) reject(new Error("the model could not be started in this page"));
      this.waiting.clear();
      this.worker = null;
    });
    return worker;
  }

  private settle({ id, labels, ms, backend, error }: EngineReply): void {
    const waiting = this.waiting.get(id);
    this.waiting.delete(id);
    if (labels && ms !== undefined && backend) waiting?.resolve({ labels, ms, backend });
    else waiting?.reject(new Error(error ?? "the model gave no answer"));
  }
}

/** RGB, [size, size, 3]: stretched, as the model was trained. */
function squarePixels(photo: ImageBitmap, size: number): Uint8Array {
  const context = new OffscreenCanvas(size, size).getContext("2d", { willReadFrequently: true })!;
  context.imageSmoothingQuality = "high";
  context.drawImage(photo, 0, 0, size, size);
  const { data } = context.getImageData(0, 0, size, size);
  const rgb = new Uint8Array(size * size * 3);
  for (let i = 0; i < size * size; i++) for (let c = 0; c < 3; c++) rgb[i * 3 + c] = data[i * 4 + c]!;
  return rgb;
}

/** Shares of the classes that occur, in the order of their ids. */
export function foundIn(labels: Uint8Array, classes: readonly { readonly id: number; readonly name: string }[]) {
  const counts = new Uint32Array(256);
  for (const label of labels) counts[label]!++;
  return classes.flatMap(({ id, name }): Omit<FoundClass, "rle">[] => {
    return counts[id] === 0 ? [] : [{ id, name, share: counts[id]! / labels.length }];
  });
}
