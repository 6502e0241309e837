/** Decoded photos on disk change no bit of the result, whatever became of their files, on real processes with the real engine. */
import { readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Workplace } from "../support/seedgrow.js";

const images = 20;
let place: Workplace;
/** Of a run that can keep nothing on disk. */
let expected: string;
beforeAll(async () => {
  place = new Workplace();
  await place.draw(16, 4);
});
afterAll(() => place.clear());

async function trained(): Promise<{ readonly weights: string; readonly log: string }> {
  const run = await place.train(["--local", "1"]).ends(0);
  const [log] = readdirSync(place.path("runs", run.runId!, "logs")).filter((name) => name.startsWith("worker"));
  return {
    weights: run.json<{ weightsSha256: string }>().weightsSha256,
    log: readFileSync(place.path("runs", run.runId!, "logs", log!), "utf8"),
  };
}

function files(): string[] {
  const dir = place.path("cache/pixels");
  return readdirSync(dir, { recursive: true, encoding: "utf8" })
    .map((name) => join(dir, name))
    .filter((path) => statSync(path).isFile())
    .sort();
}

test("a cache that cannot be written to costs a warning, once", async () => {
  place.put("cache/pixels", "a file where the folder should be");
  const { weights, log } = await trained();
  expected = weights;
  expect(log.match(/CACHE_UNWRITABLE/g)).toHaveLength(1);
}, 60_000);

test("a run that keeps decoded photos, one that reads them, and one whose files are damaged have its bits", async () => {
  rmSync(place.path("cache/pixels"));
  const first = await trained();
  expect(first.weights).toBe(expected);
  expect(first.log).not.toContain("CACHE_UNWRITABLE");
  const kept = files();
  expect(kept).toHaveLength(images);
  const whole = kept.map((path) => readFileSync(path));
  const written = kept.map((path) => statSync(path).ino);

  expect((await trained()).weights).toBe(expected);
  expect(kept.map((path) => statSync(path).ino)).toEqual(written);

  for (const [i, path] of kept.entries()) {
    if (i % 3 === 0) truncateSync(path, 100);
    else if (i % 3 === 1) writeFileSync(path, Buffer.from(whole[i]!).fill(255, 0, 5000));
    else writeFileSync(path, whole[(i + 1) % images]!);
  }
  expect((await trained()).weights).toBe(expected);
  expect(files().map((path) => readFileSync(path))).toEqual(whole);
}, 180_000);
