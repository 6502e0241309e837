import { beforeAll, describe, expect, test } from "vitest";
import { Rng } from "../../../shared/rng.js";
import { toLab } from "../superpixels/cielab.js";
import { renumber } from "../superpixels/superpixels.js";
import { numericError, plainTf } from "../testing.js";
import type { Tensor2D, Tensor4D, Tf } from "../tf.js";
import { colourBins, likelihoods, posterior } from "./bayes.js";
import { chooseMask, costsOf, lowest } from "./boxsup.js";
import { candidateMasks } from "./candidates.js";
import { coverage, poolRegions, regionLoss } from "./region-net.js";
import { framePrior } from "./saliency.js";

let tf: Tf;
beforeAll(async () => {
  tf = await plainTf();
});

describe("candidates", () => {
  // Six regions in a row, two pixels each.
  const cut = renumber(
    Int32Array.from({ length: 12 }, (_, i) => i >> 1),
    12,
    1,
  );
  const old = Uint8Array.of(0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0);
  const map = Float32Array.of(0.95, 0.95, 0.05, 0.05, 0.85, 0.85, 0.65, 0.65, 0.45, 0.45, 0.75, 0.75);

  test("grow from the old mask, region by region, and never jump a gap", () => {
    const masks = candidateMasks([cut], old, [map]).map((mask) => mask.join(""));
    expect(masks).toEqual(["000011111111", "000011110000", "000011000000"]);
  });

  test("are different masks, whichever cut or map they come from", () => {
    const masks = candidateMasks([cut, cut], old, [map, map]);
    expect(masks).toHaveLength(3);
  });

  test("a mask smaller than any region grows from the region that has most of it; no mask, no candidate", () => {
    const speck = Uint8Array.of(0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0);
    const coarse = renumber(
      Int32Array.from({ length: 12 }, (_, i) => Math.floor(i / 4)),
      12,
      1,
    );
    const means = Float32Array.from({ length: 12 }, (_, i) => (i < 4 ? 0 : i < 8 ? 1 : 0.3));
    expect(candidateMasks([coarse], speck, [means]).map((mask) => mask.join(""))).toEqual([
      "000011111111",
      "000011110000",
    ]);
    expect(candidateMasks([cut], new Uint8Array(12), [map])).toEqual([]);
  });
});

describe("BoxSup", () => {
  const old = Uint8Array.of(1, 1, 0, 0);
  const p = Float32Array.of(0.9, 0.8, 0.7, 0.2);

  test("cost by hand: lost overlap plus lambda times the mean cross entropy", () => {
    const candidate = Uint8Array.of(1, 1, 1, 0);
    const entropy = -(Math.log(0.9) + Math.log(0.8) + Math.log(0.7) + Math.log(0.8)) / 4;
    expect(costsOf([candidate], old, p, 3)[0]).toBeCloseTo(1 / 3 + 3 * entropy, 5);
    expect(costsOf([old], old, p, 0)[0]).toBe(0);
  });

  test("the lowest costs are the lowest", () => {
    expect(lowest([5, 1, 4, 1, 3, 9, 2], 5)).toEqual([1, 3, 6, 4, 2]);
    expect(lowest([2, 1], 5)).toEqual([1, 0]);
  });

  test("draws among the 5 lowest only, every one of them, alike often, and again the same by the same key", () => {
    // Candidate i has i wrong pixels of 20: costs rise with i.
    const truth = new Uint8Array(20).fill(1, 0, 10);
    const likely = Float32Array.from(truth, (is) => (is ? 0.9 : 0.1));
    const candidates = Array.from({ length: 9 }, (_, i) => truth.map((is, at) => (at < i ? 0 : is))).reverse();
    const counts = new Map<number, number>();
    for (let draw = 0; draw < 2000; draw++) {
      const options = { lambda: 3, choices: 5 };
      const mask = chooseMask(candidates, truth, likely, options, new Rng("boxsup", draw))!;
      expect(chooseMask(candidates, truth, likely, options, new Rng("boxsup", draw))).toBe(mask);
      const wrong = mask.reduce((sum, is, at) => sum + (is === truth[at] ? 0 : 1), 0);
      counts.set(wrong, (counts.get(wrong) ?? 0) + 1);
    }
    expect([...counts.keys()].sort()).toEqual([0, 1, 2, 3, 4]);
    for (const count of counts.values()) expect(Math.abs(count - 400)).toBeLessThan(80);
  });

  test("no candidate, no mask", () => {
    expect(chooseMask([], old, p, { lambda: 3, choices: 5 }, new Rng("none"))).toBeNull();
  });
});

describe("Bayes", () => {
  test("the posterior by hand", () => {
    // Two colours; the region is red but for one pixel.
    const red = [250, 10, 10];
    const blue = [10, 10, 250];
    const colours = colourBins([red, red, red, blue, blue, blue].flat());
    const membership = Float32Array.of(1, 1, 0, 1, 0, 0);
    const { inside, outside } = likelihoods(colours, membership);
    // Three pixels and 512 smoothed bins on either side.
    expect(inside[colours[0]!]).toBeCloseTo(3 / 515);
    expect(outside[colours[0]!]).toBeCloseTo(2 / 515);
    const prior = new Float32Array(6).fill(0.6);
    const result = posterior(prior, colours, membership);
    expect(result[2]).toBeCloseTo((0.6 * 3) / (0.6 * 3 + 0.4 * 2), 5);
    expect(result[3]).toBeCloseTo((0.6 * 2) / (0.6 * 2 + 0.4 * 3), 5);
  });

  test("where colours say nothing, the prior stays", () => {
    const colours = colourBins(new Uint8Array(12).fill(100));
    const prior = Float32Array.of(0.1, 0.4, 0.6, 0.9);
    posterior(prior, colours, new Float32Array(4).fill(0.5)).forEach((p, i) => {
      expect(p).toBeCloseTo(prior[i]!, 5);
    });
  });
});

test("the frame prior: what is cut off from the frame by its colour is an object, what reaches it is not", () => {
  const side = 15;
  const inside = (i: number) => {
    const [x, y] = [i % side, Math.floor(i / side)];
    return x >= 5 && x < 10 && y >= 5 && y < 10;
  };
  const photo = Array.from({ length: side * side }, (_, i) => (inside(i) ? [220, 60, 60] : [60, 160, 60])).flat();
  const grid = Int32Array.from({ length: side * side }, (_, i) => {
    return Math.floor((i % side) / 5) + 3 * Math.floor(Math.floor(i / side) / 5);
  });
  const cut = renumber(grid, side, side);
  const prior = framePrior(toLab(photo), cut);
  expect(prior[4]!).toBeGreaterThan(0.99);
  // Eight regions alike, all on the frame: connectivity 8 / sqrt(8).
  for (const region of [0, 1, 2, 3, 5, 6, 7, 8]) expect(prior[region]!).toBeCloseTo(Math.exp(-4), 3);
});

describe("RegionNet", () => {
  const regions = Int32Array.of(0, 0, 1, 1, 0, 0, 1, 1, 0, 1, 1, 1, 1, 1, 1, 1);

  test("coverage: shares of a region's pixels per cell", () => {
    const shares = coverage(regions, 4, 4, 2, 2, 2);
    expect([...shares.slice(0, 4)].map((share) => Math.round(share * 5))).toEqual([4, 0, 1, 0]);
    expect([...shares.slice(4)].map((share) => Math.round(share * 11))).toEqual([0, 4, 3, 4]);
  });

  test("pools what lies in the region, weighted by how much of it", () => {
    const tap = tf.tensor4d([1, 10, 2, 20, 3, 30, 4, 40], [1, 2, 2, 2]);
    const pooled = poolRegions(tf, tap, regions, 4, 2).dataSync();
    expect(pooled[0]).toBeCloseTo((4 * 1 + 1 * 3) / 5, 5);
    expect(pooled[3]).toBeCloseTo((4 * 20 + 3 * 30 + 4 * 40) / 11, 4);
  });

  test("loss by hand; regions without label count nothing", () => {
    const logits = tf.tensor2d([
      [0, 0],
      [2, 0],
      [5, 5],
    ]);
    const loss = regionLoss(tf, logits, Uint8Array.of(1, 0, 255)).dataSync()[0];
    expect(loss).toBeCloseTo((Math.LN2 + Math.log(1 + Math.exp(-2))) / 2, 5);
    expect(regionLoss(tf, logits, new Uint8Array(3).fill(255)).dataSync()[0]).toBeCloseTo(0);
  });

  test("gradients flow through pooling and loss", () => {
    const tap = tf.randomNormal([1, 2, 2, 2], 0, 1, "float32", 1);
    const f = (x: unknown) =>
      regionLoss(tf, poolRegions(tf, x as Tensor4D, regions, 4, 2) as Tensor2D, Uint8Array.of(1, 0));
    expect(numericError(tf, f, [tap])).toBeLessThan(1e-3);
  });
});
