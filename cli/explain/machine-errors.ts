/** Errors of the machine that it runs on: engine, GPU, disk, ports. */
import type { Explanation } from "./explanation.js";

export const machineErrors = {
  ENGINE_MISSING: {
    means: "The engine is not there: TensorFlow's library, or for webgpu its package or a GPU's driver.",
    causes: ["setup did not run, or Node was changed since"],
    tries: ["./deploy/setup.sh", "seedgrow doctor"],
  },
  ENGINE_FAILED: {
    means: "The engine is there, but does not start, or stops again and again: a GPU is lost, memory runs out.",
    causes: ["SEEDGROW_DEVICE=gpu without a usable GPU", "a driver of another version", "a processor without AVX"],
    tries: ["seedgrow doctor: says which", "SEEDGROW_DEVICE=cpu"],
  },
  MATH_UNSUPPORTED: {
    means: "The run wants its training steps in another arithmetic than float32, and this worker has only that.",
    causes: [
      "--math bf16 on a processor without AVX512_BF16 or AMX, or with the wasm or webgpu engine",
      "--math f16 with another engine than webgpu, or on a GPU without matrix units for it",
    ],
    tries: [
      "seedgrow doctor: says which engine and which instructions",
      "--math f32, in a new run: it changes the bits",
    ],
  },
  GPU_DRIVER_MISSING: {
    means:
      "A GPU was asked for, or its tools are here, but NVIDIA's driver does not answer. Said by ./deploy/setup.sh.",
    causes: [
      "no driver",
      "a new driver, and the machine not restarted",
      "the kernel was updated and the driver was not",
    ],
    tries: ["nvidia-smi", "apt-get install nvidia-driver, and restart", "SEEDGROW_DEVICE=cpu ./deploy/setup.sh"],
  },
  GPU_DRIVER_OLD: {
    means: "The driver is older than CUDA 12 takes. Said by ./deploy/setup.sh.",
    causes: ["an old distribution, or a GPU whose support has ended"],
    tries: ["nvidia-smi: shows the version", "update the driver", "SEEDGROW_DEVICE=cpu ./deploy/setup.sh"],
  },
  GPU_NOT_VISIBLE: {
    means: "The driver is here, and shows this process no GPU.",
    causes: ["a container without --gpus", "a job without a GPU", "CUDA_VISIBLE_DEVICES is empty or -1"],
    tries: ["nvidia-smi -L", "docker run --gpus all, sbatch --gpus=1", "SEEDGROW_DEVICE=cpu"],
  },
  GPU_NOT_USED: {
    means: "TensorFlow would compute on the processor where a GPU was meant to. It says nothing of that by itself.",
    causes: [
      "a CUDA library does not load",
      "an engine without CUDA, installed before there was a GPU",
      "the GPU is older than the CUDA build supports",
    ],
    tries: [
      "./deploy/setup.sh: installs the engine for CUDA",
      "node deploy/engine.mjs --verify",
      "SEEDGROW_DEVICE=cpu: says that the processor is meant",
    ],
  },
  PORT_BUSY: {
    means: "Another program listens there.",
    causes: ["a second worker, dashboard or server with the same port"],
    tries: ["port 0: a free one"],
  },
  CACHE_UNWRITABLE: {
    means: "A worker cannot keep decoded photos on its disk. It goes on, and decodes them again.",
    causes: ["the disk, or the quota, is full", "the folder may only be read, or belongs to another user"],
    tries: ["df -h", "seedgrow worker --cache DIR: another folder", "--disk-mb 0: keeps none"],
  },
  DISK_FULL: {
    means: "A file could not be written.",
    causes: ["the disk, or the quota, is full"],
    tries: ["df -h", "delete old runs", "seedgrow resume RUN: goes on from the last checkpoint"],
  },
} as const satisfies Readonly<Record<string, Explanation>>;
