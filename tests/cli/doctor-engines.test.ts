/** `seedgrow doctor --engines` on the engines of this machine. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { EngineReport } from "../../cli/doctor/engines.js";
import { isWithoutTensorflow } from "../support/engine.js";
import { Workplace } from "../support/seedgrow.js";

let place: Workplace;
beforeAll(() => {
  place = new Workplace();
});
afterAll(() => place.clear());

test("every engine computes the same step, again and again with the same bits", async () => {
  const run = await place.seedgrow("doctor", "--engines", "--json").ends(0);
  const { engines } = run.json<{ engines: EngineReport["engines"] }>();
  const names = engines.map(({ engine }) => engine);
  expect(names).toEqual(expect.arrayContaining(isWithoutTensorflow ? ["wasm"] : ["tensorflow", "wasm"]));
  for (const { parity, reproducible, imagesPerSecond, gflopsPerSecond, rssBytes } of engines) {
    expect(reproducible).toBe(true);
    expect(parity ?? 0).toBeLessThan(1e-4);
    expect(Math.min(imagesPerSecond, gflopsPerSecond)).toBeGreaterThan(0);
    expect(rssBytes).toBeGreaterThan(2 ** 26);
  }
});
