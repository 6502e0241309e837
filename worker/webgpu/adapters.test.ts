import { expect, test } from "vitest";
import { chooseName, namesIn } from "./adapters.js";

const message = `no suitable backends found
Available adapters:
 * backend: 'vulkan', name: 'AMD Radeon RX 7900'
 * backend: 'vulkan', name: 'SwiftShader Device (Subzero)'`;

test("a GPU is asked for by index or by a part of its name; without a wish Dawn chooses", () => {
  const names = namesIn(message);
  expect(names).toEqual(["AMD Radeon RX 7900", "SwiftShader Device (Subzero)"]);
  expect(chooseName("", names)).toBeNull();
  expect(chooseName("1", names)).toBe("SwiftShader Device (Subzero)");
  expect(chooseName("radeon", names)).toBe("AMD Radeon RX 7900");
});

test("one that is not there is an error that lists those that are", () => {
  expect(() => chooseName("2", namesIn(message))).toThrow('no GPU "2"; there are: 0 AMD Radeon RX 7900, 1 SwiftShader');
  expect(() => chooseName("h100", [])).toThrow("there are: none");
});

test("one that Dawn would take another for is an error, not that other", () => {
  const twins = ["NVIDIA RTX 4090", "NVIDIA RTX 4090"];
  expect(chooseName("0", twins)).toBe("NVIDIA RTX 4090");
  expect(() => chooseName("1", twins)).toThrow("GPU 1 cannot be told from GPU 0");
  const alike = ["Radeon RX 7900 XT", "Radeon RX 7900"];
  expect(() => chooseName("1", alike)).toThrow("GPU 1 cannot be told from GPU 0");
});
