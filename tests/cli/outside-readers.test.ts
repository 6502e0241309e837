/**
 * What we export, read by programs that others wrote: COCO by pycocotools, palette PNGs by Pillow. Skipped without them;
 * SEEDGROW_PYTHON names a Python that has both (`pip install pycocotools pillow`).
 */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { writeSynth } from "../../coordinator/adapters/synth-writer.js";
import { Workplace } from "../support/seedgrow.js";
import { seedgrow } from "./program.js";

const python = process.env.SEEDGROW_PYTHON || "python3";
const reader = fileURLToPath(new URL("../support/read_coco.py", import.meta.url));

function hasReaders(): boolean {
  try {
    execFileSync(python, ["-c", "import pycocotools.coco, PIL, numpy"], { stdio: "pipe" });
    return true;
  } catch {
    return false;
  }
}

let place: Workplace;
beforeAll(async () => {
  place = new Workplace();
  const size = { width: 96, height: 72 };
  await writeSynth({ outPath: place.path("herds"), seed: 3, scenes: "herd", trainImages: 12, valImages: 2, size });
});
afterAll(() => place?.clear());

async function seen(args: readonly string[]) {
  const out = place.path(args.join("_"));
  const source = ["export", place.path("herds/masks"), "--classes", "horse,zebra", "--out", out];
  const { code, stderr } = await seedgrow([...source, ...args]);
  expect(code, stderr).toBe(0);
  return JSON.parse(
    execFileSync(python, [reader, `${out}/annotations.json`, place.path("herds/masks")], { encoding: "utf8" }),
  );
}

describe.skipIf(!hasReaders())("masks of herds, exported as COCO, in pycocotools", () => {
  test.each(["rle", "rle-compressed"])("%s: every pixel, area and box", async (shapes) => {
    const found = await seen(["--format", "coco", "--shapes", shapes]);
    expect(found).toMatchObject({ images: 14, differ: 0, areas: 0, boxes: 0, modes: ["P"] });
    expect(found.objects).toBeGreaterThan(14);
  });

  test("polygons: holes and half pixels aside, the same masks", async () => {
    const found = await seen(["--format", "coco"]);
    expect(found.objects).toBeGreaterThan(14);
    expect(found.differ / found.pixels).toBeLessThan(0.01);
  });
});

test.runIf(!hasReaders())("there is a Python with pycocotools and Pillow", ({ skip }) => {
  skip("SKIPPED: there is none, so nothing is proven about COCO files (SEEDGROW_PYTHON)");
});
