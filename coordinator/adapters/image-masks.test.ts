import { join } from "node:path";
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { writeMaskPng } from "../../shared/data/mask-png.js";
import { dataFolder, flat } from "../../tests/support/data-folder.js";

const data = dataFolder();

describe("masks", () => {
  const pixels = 12 * 8;
  const options = () => ({ dataPath: join(data.root, "data"), masksPath: join(data.root, "masks") });

  async function maskProblem(bytes: Uint8Array): Promise<string | undefined> {
    await data.putImages("data/horse", 1);
    data.put("masks/horse/000.png", bytes);
    return (await data.index(options())).problems.map(({ kind, message }) => `${kind}: ${message}`)[0];
  }

  test("with ids 0..K and 255, as palette or grey PNG, are taken", async () => {
    await data.putImages("data/horse", 2);
    const labels = new Uint8Array(pixels).map((_, i) => [0, 1, 255][i % 3]!);
    data.put("masks/horse/000.png", writeMaskPng(12, 8, labels));
    data.put(
      "masks/horse/001.png",
      await sharp(labels, { raw: { width: 12, height: 8, channels: 1 } })
        .toColourspace("b-w")
        .png()
        .toBuffer(),
    );
    const { manifest, maskPaths, problems } = await data.index(options());
    expect(problems).toEqual([]);
    expect(manifest.train.images.map(({ maskDigest }) => maskPaths.get(maskDigest!))).toEqual([
      join(data.root, "masks/horse/000.png"),
      join(data.root, "masks/horse/001.png"),
    ]);
  });

  test("of the wrong size are not used", async () => {
    expect(await maskProblem(writeMaskPng(8, 12, new Uint8Array(pixels)))).toBe(
      "mask: not used: 8x12, but horse/000.png is 12x8 upright",
    );
  });

  test("with an id that is no class are not used", async () => {
    expect(await maskProblem(writeMaskPng(12, 8, new Uint8Array(pixels).fill(7)))).toContain("holds 7; ids are 0 to 1");
  });

  test("in black and white are not used: 255 is ignore, not object", async () => {
    const labels = new Uint8Array(pixels).fill(255, 0, 20);
    expect(await maskProblem(writeMaskPng(12, 8, labels))).toContain("255 means ignore");
  });

  test("in colour are not used", async () => {
    expect(await maskProblem(await flat(9).png().toBuffer())).toContain("not class ids");
  });

  test("that are no PNG are not used", async () => {
    expect(await maskProblem(Buffer.from("x"))).toContain("not a PNG");
  });

  test("that show a class the image is not tagged with are used and reported", async () => {
    await data.putImages("data/horse", 1, 0);
    await data.putImages("data/zebra", 1, 10);
    data.put("masks/horse/000.png", writeMaskPng(12, 8, new Uint8Array(pixels).fill(2)));
    const { problems, manifest } = await data.index(options());
    expect(problems[0]!.message).toBe("used, but shows zebra, which horse/000.png is not tagged with");
    expect(manifest.train.images[0]!.maskDigest).not.toBeNull();
  });

  test("match the upright photo, and may lie among the class folders", async () => {
    data.put("horse/a.jpg", await flat(4).withMetadata({ orientation: 6 }).jpeg().toBuffer());
    data.put("masks/horse/a.png", writeMaskPng(8, 12, new Uint8Array(pixels).fill(1)));
    const { manifest, problems } = await data.index({ masksPath: join(data.root, "masks") });
    expect(problems).toEqual([]);
    expect(manifest.classes).toEqual(["horse"]);
    expect(manifest.train.images[0]!.maskDigest).not.toBeNull();
  });
});
