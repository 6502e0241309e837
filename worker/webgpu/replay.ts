/**
 * Compiled functions on a GPU. tfjs works out every operation anew, each time it comes: gradient tape, shapes, program, bind
 * group, uniforms, some .2 ms of JavaScript, while the GPU would take .01 ms. A function whose shapes stay the same is therefore
 * recorded once, as the dispatches that it makes, and from then on those are sent again: two to three calls each, no JavaScript
 * between them. It has the bits of its operations, since it is the same programs on the same shapes.
 */
import { assert } from "../../shared/assert.js";
import type { Compile, Formula } from "../segmentation/compiled.js";
import type { Tensor, Tf } from "../segmentation/tf.js";
import { FixedInputs } from "./fixed-inputs.js";
import {
  type BufferManager,
  bytesPerValue,
  type GpuBackend,
  type GpuBindGroup,
  type GpuPipeline,
  type TensorEntry,
} from "./gpu.js";
import { multiplyingIn } from "./halves.js";
import { bytesOf, copyParts, type Part, ReadBack } from "./read-back.js";
import { RecordingBuffers, ScratchBuffers } from "./recording-buffers.js";

/** One program of the GPU, bound to all that it reads and writes. */
export interface Dispatch {
  /** tfjs's key of the program: its kind and the kinds of its inputs. */
  readonly label: string;
  readonly pipeline: GpuPipeline;
  readonly bindings: GpuBindGroup;
  readonly groups: readonly [number, number, number];
}

/** With the tensors that it reads and writes, by tfjs's ids: one id is never written for two things. */
interface Made extends Dispatch {
  readonly writes: object;
  readonly reads: readonly object[];
}

/** Sent at once: what comes and goes meanwhile waits for them, and a driver's watchdog should never get to see them all as one piece of work. */
const dispatchesAtOnce = 64;

/** `watch` gets each new recording: for those who want to time its parts. */
export function replayCompiler(tf: Tf, watch?: (recording: readonly Dispatch[]) => void): Compile {
  const backend = tf.backend() as unknown as GpuBackend;
  const scratch = new ScratchBuffers(backend.device);
  return async (build) => {
    const recording = recorded(tf, backend, scratch, build);
    watch?.(recording.dispatches);
    return {
      run: (inputs) => recording.run(tf, inputs),
      begin: (inputs) => recording.begin(inputs),
      dispose: () => recording.dispose(),
    };
  };
}

/** Runs the function once, operation by operation; what it computes is not used. */
function recorded(tf: Tf, backend: GpuBackend, scratch: ScratchBuffers, build: () => Formula): Recording {
  flush(backend);
  const recorder = new Recorder(backend, new RecordingBuffers(backend.device, scratch));
  let recording: Recording | null = null;
  try {
    // Not as what tf.tidy returns: it looks for tensors in all of that.
    tf.tidy(() => {
      const { inputs, value, parts, math = "f32" } = build();
      const fixed = recorder.reads(inputs);
      const inputIds = inputs.map(({ dataId }) => dataId);
      const results = multiplyingIn(math, () => parts?.() ?? [value()]);
      // Numbers that are the same every time lie on the processor.
      for (const { dataId } of results) backend.uploadToGPU(dataId as { readonly id: number });
      recording = new Recording(backend, recorder, fixed, inputIds, results);
    });
    return recording!;
  } finally {
    recorder.stop();
    if (!recording) recorder.dispose();
  }
}

export function flush(backend: GpuBackend): void {
  backend.endComputePassEncoder();
  if (backend.commandEncoder) backend.submitQueue();
}

export function submitDispatches({ device, queue }: GpuBackend, dispatches: readonly Dispatch[]): void {
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  let current: GpuPipeline | null = null;
  for (const { pipeline, bindings, groups } of dispatches) {
    if (pipeline !== current) pass.setPipeline(pipeline);
    current = pipeline;
    pass.setBindGroup(0, bindings);
    pass.dispatchWorkgroups(...groups);
  }
  pass.end();
  queue.submit([encoder.finish()]);
}

/** Stands between tfjs's backend and the device for as long as a function is recorded. */
class Recorder {
  private readonly made: Made[] = [];
  /** Tensors from before that the function reads: they stay for as long as the recording does. */
  private readonly held = new Set<object>();
  private readonly before: {
    readonly bufferManager: BufferManager;
    readonly uploadToGPU: GpuBackend["uploadToGPU"];
    readonly recordAndSubmit: GpuBackend["recordAndSubmit"];
    readonly readSync: GpuBackend["readSync"];
  };
  private readonly firstOwnId: number;
  private fixed: FixedInputs | null = null;

  constructor(
    private readonly backend: GpuBackend,
    private readonly buffers: RecordingBuffers,
  ) {
    const { bufferManager, uploadToGPU, recordAndSubmit, readSync } = backend;
    this.before = { bufferManager, uploadToGPU, recordAndSubmit, readSync };
    this.firstOwnId = backend.nextDataId();
    backend.bufferManager = buffers;
    backend.uploadToGPU = (dataId) => this.upload(dataId);
    backend.recordAndSubmit = (...call) => this.dispatch(...call);
    backend.readSync = (dataId) => {
      assert(backend.tensorMap.get(dataId).values, "a recorded function does not read what it computes");
      return readSync.call(backend, dataId);
    };
  }

  reads(inputs: readonly Tensor[]): FixedInputs {
    this.fixed = new FixedInputs(this.backend, inputs);
    return this.fixed;
  }

  /** What the results depend on: tfjs computes gradients that nobody asked for, the photo's for one. */
  dispatchesFor(results: readonly object[]): Made[] {
    const needed = new Set(results);
    const kept: Made[] = [];
    for (const dispatch of this.made.toReversed()) {
      if (!needed.has(dispatch.writes)) continue;
      for (const dataId of dispatch.reads) needed.add(dataId);
      kept.push(dispatch);
    }
    return kept.reverse();
  }

  /** After all that the function has made is gone: it lies in the recording's buffers. */
  stop(): void {
    flush(this.backend);
    this.fixed?.giveBack();
    Object.assign(this.backend, this.before);
    this.buffers.done();
  }

  dispose(): void {
    for (const dataId of this.held) this.backend.disposeData(dataId);
    this.fixed?.dispose();
    this.buffers.dispose();
  }

  /** What was there before belongs to the manager of before. */
  private upload(dataId: { readonly id: number }): void {
    const isOwn = dataId.id >= this.firstOwnId;
    if (!isOwn) this.backend.bufferManager = this.before.bufferManager;
    try {
      this.before.uploadToGPU.call(this.backend, dataId);
    } finally {
      this.backend.bufferManager = this.buffers;
    }
  }

  private dispatch(...[program, output, inputs, uniforms]: Parameters<GpuBackend["recordAndSubmit"]>): void {
    const { backend } = this;
    for (const { dataId } of inputs) this.hold(dataId, backend.tensorMap.get(dataId));
    const bindings = this.bindingsMadeBy(() => {
      this.before.recordAndSubmit.call(backend, program, output, inputs, uniforms);
    });
    const [x, y, z] = program.dispatch;
    this.made.push({
      ...{ label: program.shaderKey, pipeline: program.pipeline, bindings, groups: [x!, y!, z!] },
      ...{ writes: output.dataId, reads: inputs.map(({ dataId }) => dataId) },
    });
  }

  private hold(dataId: object, { resource }: TensorEntry): void {
    if (this.held.has(dataId) || this.fixed?.owns(resource!) || this.buffers.owns(resource!)) return;
    this.backend.incRef(dataId);
    this.held.add(dataId);
  }

  private bindingsMadeBy(work: () => void): GpuBindGroup {
    const { device } = this.backend;
    const { createBindGroup } = device;
    let made: GpuBindGroup | null = null;
    device.createBindGroup = (descriptor) => {
      made = createBindGroup.call(device, descriptor);
      return made;
    };
    try {
      work();
    } finally {
      device.createBindGroup = createBindGroup;
    }
    assert(made, "an operation binds its inputs");
    return made;
  }
}

/** Of one function: what to send, and where its inputs go. */
class Recording {
  readonly dispatches: readonly Dispatch[];
  private readonly parts: readonly Part[];
  /** Of all parts, one behind the other. */
  private readonly shape: readonly number[];
  private readonly dtype: Tensor["dtype"];
  private readonly readBack: ReadBack;

  constructor(
    private readonly backend: GpuBackend,
    private readonly recorder: Recorder,
    private readonly inputs: FixedInputs,
    inputIds: readonly object[],
    results: readonly Tensor[],
  ) {
    const made = recorder.dispatchesFor(results.map(({ dataId }) => dataId));
    assert(made.length > 0, "a recorded function computes its results on the GPU");
    this.dispatches = made;
    inputs.plan(firstReads(made, inputIds));
    this.parts = partsOf(backend, made, results);
    const [{ shape, dtype }] = results as [Tensor];
    this.shape = results.length === 1 ? shape : [results.reduce((sum, { size }) => sum + size, 0)];
    this.dtype = dtype;
    this.readBack = new ReadBack(backend, this.parts);
  }

  run(tf: Tf, inputs: readonly Tensor[]): Tensor {
    this.send(inputs);
    return this.copyOfResult(tf);
  }

  begin(inputs: readonly Tensor[]): (target: Float32Array) => Promise<void> {
    const fetch = this.readBack.begin();
    this.send(inputs, fetch.after);
    return fetch.into;
  }

  dispose(): void {
    this.recorder.dispose();
    this.readBack.dispose();
  }

  /** `sent` hears how many dispatches are on their way. */
  private send(inputs: readonly Tensor[], sent: (dispatches: number) => void = () => undefined): void {
    const { backend, dispatches } = this;
    flush(backend);
    const fill = this.inputs.filling(inputs);
    for (let at = 0; at < dispatches.length; at += dispatchesAtOnce) {
      const end = Math.min(at + dispatchesAtOnce, dispatches.length);
      fill(end);
      submitDispatches(backend, dispatches.slice(at, end));
      sent(end);
    }
  }

  /** The next run writes over the result. */
  private copyOfResult(tf: Tf): Tensor {
    const { backend, shape, dtype, parts } = this;
    const { usage } = parts[0]!.buffer;
    const copy = backend.bufferManager.acquireBuffer(bytesOf(parts), usage);
    copyParts(backend, parts, copy);
    const info = backend.makeTensorInfo(shape, dtype);
    backend.tensorMap.get(info.dataId).resource = copy;
    return (tf.engine() as unknown as { makeTensorFromTensorInfo(info: object): Tensor }).makeTensorFromTensorInfo(
      info,
    );
  }
}

/** For each input the first dispatch that reads it. */
function firstReads(dispatches: readonly Made[], inputIds: readonly object[]): number[] {
  const first = new Map<object, number>();
  for (const [i, { reads }] of dispatches.entries()) for (const id of reads) if (!first.has(id)) first.set(id, i);
  return inputIds.map((id) => first.get(id) ?? 0);
}

function partsOf({ tensorMap }: GpuBackend, dispatches: readonly Made[], results: readonly Tensor[]): Part[] {
  const written = new Map(dispatches.map(({ writes }, i) => [writes, i + 1]));
  return results.map(({ dataId, size }) => {
    const { resource } = tensorMap.get(dataId);
    assert(resource, "a recorded function has its results on the GPU");
    return { buffer: resource, bytes: size * bytesPerValue, after: written.get(dataId) ?? 0 };
  });
}
