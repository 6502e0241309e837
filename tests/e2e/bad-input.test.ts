/** What people really pass in, through the real command line: it works, or says what is wrong and what to do. */
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import sharp, { type Sharp } from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readMaskPng, writeMaskPng } from "../../shared/data/mask-png.js";
import { exitCodes } from "../../shared/errors.js";
import { fewest, settings, Workplace } from "../support/seedgrow.js";

let place: Workplace;
beforeAll(async () => {
  place = new Workplace();
  await place.draw(8, 0);
});
afterAll(() => place.clear());

/** A picture with something in it; another seed is another picture. */
function picture(seed: number, width = 40, height = 24): Sharp {
  const pixels = Buffer.from(Array.from({ length: width * height * 3 }, (_, i) => (i * (seed + 3)) % 251));
  return sharp(pixels, { raw: { width, height, channels: 3 } });
}

describe("unusual photos and masks, one class, no negatives", () => {
  test("train: what can be read takes part, the rest is named, and masks have the photos' upright sizes", async () => {
    const jpeg = await picture(1, 200, 200).jpeg().toBuffer();
    place.put("odd/horse/alpha.png", await picture(2).ensureAlpha(0.5).png().toBuffer());
    place.put("odd/horse/cmyk.jpg", await picture(3).toColourspace("cmyk").jpeg().toBuffer());
    place.put("odd/horse/cut.jpg", jpeg.subarray(0, jpeg.length >> 1));
    place.put("odd/horse/dot.png", await picture(4, 1, 1).png().toBuffer());
    place.put("odd/horse/turned.jpg", await picture(5).withMetadata({ orientation: 6 }).jpeg().toBuffer());
    place.put("odd-masks/horse/cmyk.png", writeMaskPng(40, 24, new Uint8Array(40 * 24).fill(1)));
    place.put("odd-masks/horse/alpha.png", writeMaskPng(9, 9, new Uint8Array(81)));
    place.put("odd-masks/horse/turned.png", await picture(6, 24, 40).png().toBuffer());
    const data = ["--data", place.path("odd"), "--masks", place.path("odd-masks"), "--local", "1", "--json"];
    const overrides = settings({ ...fewest, "data.brokenShareMax": 0.5, "data.shardImages": 2 });
    const run = await place.seedgrow("train", ...data, ...overrides).ends(0);
    const { runDir, weightsSha256 } = run.json<{ runDir: string; weightsSha256: string }>();
    expect(weightsSha256).toMatch(/^[0-9a-f]{64}$/);
    expect(run.stderr).toMatch(/horse\/cut\.jpg/);
    expect(run.stderr).toMatch(/horse\/alpha\.png.*9x9/);
    expect(run.stderr).toMatch(/horse\/turned\.png/);
    expect(readdirSync(`${runDir}/masks/horse`)).toEqual(["alpha.png", "cmyk.png", "dot.png", "turned.png"]);
    const sizes = readdirSync(`${runDir}/masks/horse`).map((name) => {
      const { width, height } = readMaskPng(readFileSync(`${runDir}/masks/horse/${name}`));
      return `${name} ${width}x${height}`;
    });
    expect(sizes).toEqual(["alpha.png 40x24", "cmyk.png 40x24", "dot.png 1x1", "turned.png 24x40"]);
  });
});

describe("a run that cannot be", () => {
  /** Runs to its end; what it says on stderr. */
  async function refused(exitCode: number, ...args: string[]): Promise<string> {
    const run = await place.seedgrow(...args).ends(exitCode);
    expect(run.stdout).toBe("");
    expect(run.stderr).toContain("next: ");
    return run.stderr;
  }
  const data = () => ["train", "--data", place.path("data/train")];

  test("a key with a typo: the right one is suggested, with every other mistake", async () => {
    const sets = ["--set", "method.segmenter.stepz=3", "--set", "method.rounds=0"];
    const said = await refused(exitCodes.usage, ...data(), "--local", "1", ...sets);
    expect(said).toContain("[CONFIG_INVALID]");
    expect(said).toContain('did you mean "method.segmenter.steps"?');
    expect(said).toMatch(/method\.rounds = \S+: .*1\.\.50/);
  });

  test("a flag that does not exist", async () => {
    const run = await place.seedgrow(...data(), "--locale", "1").ends(exitCodes.usage);
    expect(run.stderr).toContain("Did you mean --local?");
  });

  test("no worker at all", async () => {
    const run = await place.seedgrow(...data(), "--local", "0").ends(exitCodes.usage);
    expect(run.stderr).toContain("Expected a whole number from 1 to 64");
  });

  test("photos that are not there", async () => {
    const said = await refused(exitCodes.data, "train", "--data", place.path("nowhere"), "--local", "1");
    expect(said).toContain(`--data ${place.path("nowhere")} does not exist`);
  });

  test("a class folder without an image is named", async () => {
    place.put("hollow/horse/a.png", await picture(1).png().toBuffer());
    mkdirSync(place.path("hollow/zebra"));
    const said = await refused(exitCodes.data, "train", "--data", place.path("hollow"), "--local", "1");
    expect(said).toContain("[DATA_EMPTY] no readable training image of zebra");
  });

  test("too many broken photos: every one is named", async () => {
    for (const name of ["a", "b"]) place.put(`broken/horse/${name}.jpg`, "no picture");
    place.put("broken/horse/good.png", await picture(1).png().toBuffer());
    const said = await refused(exitCodes.data, "train", "--data", place.path("broken"), "--local", "1");
    expect(said).toContain("[DATA_BROKEN]");
    for (const name of ["a", "b"]) expect(said).toContain(`horse/${name}.jpg`);
  });

  test("no broker at the address", async () => {
    const said = await refused(exitCodes.environment, ...data(), "--nats", "nats://127.0.0.1:1");
    expect(said).toContain("[BROKER_UNREACHABLE] no NATS server answers at nats://127.0.0.1:1");
  });

  test("a port that is taken", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    const { port } = server.address() as { port: number };
    const address = `127.0.0.1:${port}`;
    const said = await refused(exitCodes.environment, ...data(), "--local", "1", "--set", `cluster.listen=${address}`);
    expect(said).toContain(`[PORT_BUSY] cannot listen on ${address}`);
    expect(said).toContain("cluster.listen");
    server.close();
  });

  test("a backbone that is not there, or is no model", async () => {
    const missing = await refused(exitCodes.data, ...data(), "--local", "1", "--backbone", place.path("nobody"));
    expect(missing).toContain("[BACKBONE_INVALID]");
    place.put("no-model/model.json", '{ "format": "something else" }');
    const wrong = await refused(exitCodes.data, ...data(), "--local", "1", "--backbone", place.path("no-model"));
    expect(wrong).toContain("model.json is no tfjs LayersModel");
  });

  test("a backbone that never gets as small as stride 32: no worker is blamed, the model is", async () => {
    const config = { name: "c0", filters: 4, kernel_size: [3, 3], strides: [2, 2], padding: "same", use_bias: false };
    const layer = {
      class_name: "Conv2D",
      config: { ...config, activation: "relu", batch_input_shape: [null, 64, 64, 3] },
    };
    const modelTopology = { class_name: "Sequential", config: { name: "small", layers: [layer] } };
    const weights = [{ name: "c0/kernel", shape: [3, 3, 3, 4], dtype: "float32" }];
    const model = { modelTopology, weightsManifest: [{ paths: ["weights.bin"], weights }] };
    place.put("small-model/model.json", JSON.stringify(model));
    place.put("small-model/weights.bin", new Uint8Array(3 * 3 * 3 * 4 * 4));
    const backbone = ["--backbone", place.path("small-model"), "--local", "1"];
    const said = await refused(exitCodes.data, ...data(), ...backbone, ...settings(fewest));
    expect(said).toContain("[BACKBONE_INVALID]");
    expect(said).toMatch(/stride/);
  });
});
