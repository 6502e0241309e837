/**
 * Kinds of tests (tests/README.md). Unit tests, simulation and damaged input first: as many files at once as there are cores, and in
 * processes that keep their modules from file to file, which halves the time. Then what starts servers and processes: two files at a
 * time, for they mostly wait. Last, one after the other, whole trainings, which would fight for two cores.
 */
import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";
import { isWithoutTensorflow } from "./tests/support/engine.js";

/** Minutes of real processes, run by name alone. */
const soak = {
  test: {
    name: "soak",
    include: ["tests/soak/**/*.test.ts"],
    testTimeout: 3 * 3_600_000,
    hookTimeout: 60_000,
    globalSetup: ["tests/support/built.ts"],
  },
};

const inMemory = { isolate: false, maxWorkers: Math.max(2, availableParallelism()), sequence: { groupOrder: 0 } };

const sequential = { fileParallelism: false, globalSetup: ["tests/support/built.ts"] };

/** Real processes that are hurt: they mostly wait, so several cases run at once (tests/chaos). */
const chaos = {
  test: {
    name: "chaos",
    include: ["tests/chaos/**/*.test.ts"],
    testTimeout: 180_000,
    hookTimeout: 120_000,
    maxConcurrency: 3,
    sequence: { groupOrder: 3 },
    ...sequential,
  },
};

/** Machines with a network each; skipped, aloud, where the kernel does not allow it (tests/cluster). */
const cluster = {
  test: {
    name: "cluster",
    include: ["tests/cluster/**/*.test.ts"],
    testTimeout: 240_000,
    hookTimeout: 120_000,
    sequence: { groupOrder: 4 },
    ...sequential,
  },
};

/** Jobs under a Slurm of its own: two minutes that mostly wait, run by name alone (`npm run slurm-test`). */
const slurm = {
  test: {
    name: "slurm",
    include: ["tests/slurm/**/*.test.ts"],
    testTimeout: 300_000,
    hookTimeout: 120_000,
    globalSetup: ["tests/support/built.ts"],
  },
};

/** What CI has no time for: files named so, chaos and cluster. `npm run slow` is all of it, once before a change is done. */
const isSlow = Boolean(process.env.SEEDGROW_SLOW);
const slow = isSlow ? [] : ["tests/**/*.slow.test.ts"];

/** These load TensorFlow, or compare with it. */
const tensorflowOnly = "tests/engine/{compiled,export-model,load,node-versions.slow,parity,photo-bits.slow}.test.ts";
if (isWithoutTensorflow) process.stderr.write(`SKIPPED: ${tensorflowOnly}, since SEEDGROW_ENGINE is wasm\n`);

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          include: ["{bench,cli,coordinator,shared,worker}/**/*.test.ts", "tests/imports.test.ts"],
          // The tests of the method compute: TensorFlow on a busy machine is slow.
          testTimeout: 30_000,
          ...inMemory,
        },
      },
      {
        test: {
          // The cores of coordinator and workers over a simulated world (tests/sim/README.md): seconds, no processes.
          name: "sim",
          include: ["tests/sim/**/*.test.ts"],
          testTimeout: 120_000,
          ...inMemory,
        },
      },
      {
        test: {
          name: "integration",
          include: ["tests/{integration,engine,cli}/**/*.test.ts"],
          exclude: [...slow, ...(isWithoutTensorflow ? [tensorflowOnly] : [])],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          maxWorkers: 2,
          globalSetup: ["tests/support/built.ts"],
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: "e2e",
          include: ["tests/e2e/**/*.test.ts"],
          exclude: slow,
          testTimeout: 180_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 2 },
          ...sequential,
        },
      },
      {
        test: {
          // Damaged input for everything that parses: some thousand cases, `npm run fuzz` a hundred thousand.
          name: "fuzz",
          include: ["tests/fuzz/**/*.test.ts"],
          ...inMemory,
        },
      },
      ...(isSlow || process.env.SEEDGROW_CHAOS ? [chaos] : []),
      ...(isSlow || process.env.SEEDGROW_CLUSTER ? [cluster] : []),
      ...(process.env.SEEDGROW_SOAK ? [soak] : []),
      ...(process.env.SEEDGROW_SLURM ? [slurm] : []),
    ],
    coverage: {
      provider: "v8",
      include: ["coordinator/core/**/*.ts", "shared/aggregate/**/*.ts", "shared/math/tree-sum.ts"],
      exclude: ["**/*.test.ts"],
      reporter: [["text", { skipFull: true }]],
      // What decides the result and who computes what: held to a higher standard than the rest.
      thresholds: { lines: 95 },
    },
  },
});
