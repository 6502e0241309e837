import { expect, test } from "vitest";
import { photoThreads } from "./photo-threads.js";

const mobileNet = { modelBytes: 13.6e6, imageSize: 256 };

test("every thread computes a photo of its own, alone", () => {
  const engine = { threads: 1, operationsAtOnce: 4 };
  expect(photoThreads({ ...mobileNet, threads: 4 })).toEqual({ computeThreads: 4, engine });
});

test("one thread is one thread", () => {
  const engine = { threads: 1, operationsAtOnce: 1 };
  expect(photoThreads({ ...mobileNet, threads: 1 })).toEqual({ computeThreads: 1, engine });
});

test("many threads share what fits into memory, and the rest run operations side by side", () => {
  const engine = { threads: 1, operationsAtOnce: 64 };
  expect(photoThreads({ ...mobileNet, threads: 64 })).toEqual({ computeThreads: 8, engine });
});

test("a model that fits once has all threads inside of its operations", () => {
  const engine = { threads: 16, operationsAtOnce: 1 };
  expect(photoThreads({ modelBytes: 100e6, imageSize: 512, threads: 16 })).toEqual({ computeThreads: 1, engine });
  expect(photoThreads({ modelBytes: 1e9, imageSize: 512, threads: 16 })).toEqual({ computeThreads: 1, engine });
});
