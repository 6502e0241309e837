/** How long a recorded function takes on the GPU, and each of its dispatches by the GPU's own clock. */
import { bufferUsage, type GpuBackend, mapMode } from "../../worker/webgpu/gpu.js";
import { type Dispatch, submitDispatches } from "../../worker/webgpu/replay.js";

/** Of one go; the GPU's queue is not empty in between. */
const repeats = 10;

/** Milliseconds of all dispatches, one after the other without a clock between them, as training sends them. */
export async function wholeMs(backend: GpuBackend, dispatches: readonly Dispatch[]): Promise<number> {
  const { queue } = backend;
  submitDispatches(backend, dispatches);
  await queue.onSubmittedWorkDone();
  const startedMs = performance.now();
  for (let i = 0; i < repeats; i++) submitDispatches(backend, dispatches);
  await queue.onSubmittedWorkDone();
  return (performance.now() - startedMs) / repeats;
}

/** Two timestamps each; a set has 4,096 at most. */
const dispatchesPerSet = 2048;
const bytesPerTimestamp = 8;

/** Milliseconds, in the dispatches' order. Their inputs are whatever the last run left. */
export async function gpuTimes(backend: GpuBackend, dispatches: readonly Dispatch[]): Promise<number[]> {
  const times: number[] = [];
  for (let at = 0; at < dispatches.length; at += dispatchesPerSet) {
    times.push(...(await timesOf(backend, dispatches.slice(at, at + dispatchesPerSet))));
  }
  return times;
}

async function timesOf({ device, queue }: GpuBackend, dispatches: readonly Dispatch[]): Promise<number[]> {
  const count = 2 * dispatches.length;
  const querySet = device.createQuerySet({ type: "timestamp", count });
  const size = count * bytesPerTimestamp;
  const resolved = device.createBuffer({ size, usage: bufferUsage.QUERY_RESOLVE | bufferUsage.COPY_SRC });
  const read = device.createBuffer({ size, usage: bufferUsage.MAP_READ | bufferUsage.COPY_DST });
  const encoder = device.createCommandEncoder();
  dispatches.forEach(({ pipeline, bindings, groups }, i) => {
    const timestampWrites = { querySet, beginningOfPassWriteIndex: 2 * i, endOfPassWriteIndex: 2 * i + 1 };
    const pass = encoder.beginComputePass({ timestampWrites });
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, bindings);
    pass.dispatchWorkgroups(...groups);
    pass.end();
  });
  encoder.resolveQuerySet(querySet, 0, count, resolved, 0);
  encoder.copyBufferToBuffer(resolved, 0, read, 0, size);
  queue.submit([encoder.finish()]);
  await read.mapAsync(mapMode.READ);
  const stamps = new BigInt64Array(read.getMappedRange());
  const times = dispatches.map((_, i) => Number(stamps[2 * i + 1]! - stamps[2 * i]!) / 1e6);
  for (const buffer of [resolved, read]) buffer.destroy();
  return times;
}
