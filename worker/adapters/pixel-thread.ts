/**
 * The thread that writes decoded pixels: a disk that stalls must hold up neither the beat nor libuv's four threads, which
 * decode; and one thread that waits for the disk takes less than half of the processor time of four that pass files around.
 */
import { parentPort, workerData } from "node:worker_threads";
import { PixelFolder, type PixelFolderOptions } from "./pixel-folder.js";
import type { PixelRequest, PixelResponse } from "./pixel-writer.js";

const folder = new PixelFolder(workerData as PixelFolderOptions);
const port = parentPort!;

port.on("message", (request: PixelRequest) => {
  if (request.kind === "end") port.close();
  else if (request.kind === "touch") folder.touch(request.name);
  else {
    const trouble = troubleOf(() => folder.write(request.name, request.pixels));
    port.postMessage({ isWritten: true, trouble } satisfies PixelResponse);
  }
});

// A bound that was lowered since the last time holds from the start.
const trouble = troubleOf(() => folder.makeRoom(0));
port.postMessage({ isWritten: false, trouble } satisfies PixelResponse);

function troubleOf(work: () => unknown): string | null {
  try {
    work();
    return null;
  } catch (thrown) {
    return thrown instanceof Error ? thrown.message : String(thrown);
  }
}
