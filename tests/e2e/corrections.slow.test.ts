/**
 * A person's corrections in a run of real processes: taken at the next round, respected in its masks, the same bits
 * every time. The engine is simulated: its results are hashes of all that it was given, labels and tags included.
 */
import { cpSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { decodeMapPack } from "../../shared/codec/map-pack.js";
import type { Corrections } from "../../shared/data/corrections.js";
import type { Manifest } from "../../shared/data/manifest.js";
import { drawStroke } from "../../shared/math/strokes.js";
import { Workplace } from "../support/seedgrow.js";

const work = new Workplace();
beforeAll(() => {
  vi.stubEnv("SEEDGROW_WORKER_ENGINE", "simulated");
  vi.stubEnv("SEEDGROW_WORKER_SIMULATED_IMAGE_MS", "0");
  return work.draw(10, 0);
});
afterAll(() => {
  vi.unstubAllEnvs();
  work.clear();
});

const size = 64;
const stroke = {
  class: null,
  radius: 0.1,
  points: [
    [0.3, 0.5],
    [0.7, 0.5],
  ],
} as const;

function labelsOf(runId: string, version: number): Map<number, Uint8Array> {
  const dir = work.path("runs", runId, "labels", `v${version}`);
  const maps = readdirSync(dir).flatMap((file) => decodeMapPack(readFileSync(join(dir, file))));
  return new Map(maps.map(({ image, data }) => [image, data]));
}

/** The run under another name, to go on from the same point. */
function twin(runId: string, name: string): string {
  cpSync(work.path("runs", runId), work.path("runs", name), { recursive: true });
  return name;
}

async function goOn(runId: string, ...workers: readonly string[]) {
  const run = await work.seedgrow("resume", work.path("runs", runId), "--rounds", "2", ...workers, "--json").ends(0);
  return run.json<{ weightsSha256: string }>().weightsSha256;
}

test("corrections bind the next round, whoever computes it; without them nothing changes", async () => {
  const first = await work
    .train(["--local", "1"], { "method.rounds": 1, "method.mining.rounds": 0, "cluster.checkpointSteps": 2 })
    .ends(0);
  const runId = first.runId!;
  const manifest = JSON.parse(readFileSync(work.path("runs", runId, "manifest.json"), "utf8")) as Manifest;
  const tagged = manifest.train.images.flatMap(({ tags }, image) => (tags.length > 0 ? [image] : []));
  const [good, drawn, untagged, bad] = tagged as [number, number, number, number];
  const pathOf = (image: number) => manifest.train.images[image]!.path;
  const plain = twin(runId, "plain");
  const corrections: Corrections = {
    version: 1,
    photos: {
      [pathOf(good)]: { verdict: "good", version: 0, tags: null, strokes: [] },
      [pathOf(drawn)]: { verdict: null, version: null, tags: null, strokes: [structuredClone(stroke) as never] },
      [pathOf(untagged)]: { verdict: null, version: null, tags: [], strokes: [] },
      [pathOf(bad)]: { verdict: "bad", version: 1, tags: null, strokes: [] },
    },
  };
  writeFileSync(work.path("runs", runId, "corrections.json"), JSON.stringify(corrections));
  const again = twin(runId, "again");
  const corrected = await goOn(runId, "--local", "1");
  const kinds = work.events(runId).filter(({ kind }) => kind === "corrections-applied");
  expect(kinds).toMatchObject([{ round: 2, photos: 4, good: 1, bad: 1, retagged: 1, strokes: 1 }]);
  const [v0, v2] = [labelsOf(runId, 0), labelsOf(runId, 2)];
  expect(v2.get(good)).toEqual(v0.get(good));
  drawStroke(stroke, size, manifest.train.images[drawn]!, (cell) => expect(v2.get(drawn)![cell]).toBe(0));
  expect(new Set(v2.get(untagged))).toEqual(new Set([0]));

  expect(await goOn(again, "--local", "2")).toBe(corrected);
  const uncorrected = await goOn(plain, "--local", "1");
  expect(uncorrected).not.toBe(corrected);
  const straight = await work
    .train(["--local", "1"], { "method.rounds": 2, "method.mining.rounds": 0, "cluster.checkpointSteps": 2 })
    .ends(0);
  expect(straight.json()).toMatchObject({ weightsSha256: uncorrected });
}, 300_000);

test("corrections that do not fit the run stop `resume` before anything is started", async () => {
  const runId = twin("plain", "broken");
  const nonsense = { version: 1, photos: { "no-such.jpg": { verdict: null, version: null, tags: [], strokes: [] } } };
  writeFileSync(work.path("runs", runId, "corrections.json"), JSON.stringify(nonsense));
  const run = await work.seedgrow("resume", work.path("runs", runId), "--rounds", "3", "--local", "1").ends(3);
  expect(run.stderr).toContain("CORRECTIONS_INVALID");
  expect(run.stderr).toContain('the run has no training photo "no-such.jpg"');
}, 60_000);
