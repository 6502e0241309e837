import { expect, test } from "vitest";
import { workersMax } from "../../shared/limits.js";
import { openFilesLimit, workersLimit } from "./open-files.js";

const table =
  "Limit                     Soft Limit           Hard Limit           Units\nMax open files            1024                 524288               files\n";

test("the soft limit is what counts; unlimited or unknown is none", () => {
  expect(openFilesLimit(table)).toBe(1024);
  expect(openFilesLimit(table.replace("1024 ", "unlimited "))).toBeNull();
  expect(openFilesLimit("")).toBeNull();
  expect(openFilesLimit()).toBeGreaterThan(0);
});

test("few open files mean few workers, never none; many are capped", () => {
  expect(workersLimit(1024)).toBe(153);
  expect(workersLimit(10)).toBe(1);
  expect(workersLimit(1e9)).toBe(workersMax);
  expect(workersLimit(null)).toBe(workersMax);
});
