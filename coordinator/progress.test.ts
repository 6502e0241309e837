import { expect, test } from "vitest";
import { initialProgress, progressSchema } from "./progress.js";

test("a fresh run has no phase behind it, and its file is readable", () => {
  expect(progressSchema.parse(JSON.parse(JSON.stringify(initialProgress)))).toEqual(initialProgress);
});

test("a file with a digest that is none, or of another version, is refused", () => {
  const classifier = { round: 0, digest: "0123" };
  expect(progressSchema.safeParse({ ...initialProgress, classifier }).success).toBe(false);
  expect(progressSchema.safeParse({ ...initialProgress, version: 2 }).success).toBe(false);
});
