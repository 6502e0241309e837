/** The commands as a user types them, on real files. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { readMaskPng } from "../../shared/data/mask-png.js";
import { AppError } from "../../shared/errors.js";
import { fakeEvent, putFakeRun } from "../../tests/support/fake-run.js";
import { dataCommand } from "./data.js";

const root = mkdtempSync(join(tmpdir(), "data-command-"));
const savanna = join(root, "savanna");
const small = ["--train", "8", "--val", "4", "--size", "64x48", "--seed", "5"];

async function run(...args: string[]): Promise<{ stdout: string; error: AppError | null }> {
  let stdout = "";
  const write = vi.spyOn(process.stdout, "write").mockImplementation((chunk) => {
    stdout += String(chunk);
    return true;
  });
  try {
    const command = dataCommand();
    for (const subcommand of command.commands) subcommand.exitOverride();
    await command.parseAsync(args, { from: "user" });
    return { stdout, error: null };
  } catch (thrown) {
    return { stdout, error: AppError.from(thrown) };
  } finally {
    write.mockRestore();
  }
}

beforeAll(async () => {
  expect((await run("synth", "--out", savanna, ...small)).error).toBeNull();
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

function filesOf(folder: string): string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}

describe("seedgrow data synth", () => {
  test("writes photos by class and one mask of the same size for each", async () => {
    const photos = filesOf(savanna).filter((path) => path.endsWith(".jpg"));
    expect(photos).toHaveLength(12);
    expect(readdirSync(join(savanna, "train"))).toEqual(["horse", "none", "zebra"]);
    for (const photo of photos) {
      const { width, height } = await sharp(join(savanna, photo)).metadata();
      const mask = readMaskPng(readFileSync(join(savanna, "masks", photo.replace(".jpg", ".png"))));
      expect([mask.width, mask.height]).toEqual([width, height]);
      const id = photo.includes("/horse/") ? [0, 1] : photo.includes("/zebra/") ? [0, 2] : [0];
      expect([...new Set(mask.labels)].sort()).toEqual(id);
    }
  });

  test("writes the same bytes for the same seed, others for another", async () => {
    const [again, other] = [join(root, "again"), join(root, "other")];
    await run("synth", "--out", again, ...small);
    await run("synth", "--out", other, ...small.slice(0, -1), "6");
    expect(filesOf(again)).toEqual(filesOf(savanna));
    for (const path of filesOf(savanna)) {
      const bytes = readFileSync(join(savanna, path));
      expect(readFileSync(join(again, path)).equals(bytes), path).toBe(true);
      if (path.endsWith(".jpg")) expect(readFileSync(join(other, path)).equals(bytes), path).toBe(false);
    }
  });

  test("--scenes herd lists the tags, which the check reads with the masks", async () => {
    const herd = join(root, "herd");
    await run("synth", "--out", herd, "--scenes", "herd", ...small);
    const { stdout, error } = await run("check", "--data", herd, "--json");
    expect(error).toBeNull();
    expect(JSON.parse(stdout)).toMatchObject({
      layout: "CSV",
      classes: [{ name: "horse", train: 4 }, { name: "zebra", train: 5 }, { name: "none" }],
      train: { images: 8, masks: 8 },
      val: { images: 4, masks: 4 },
      problems: [],
    });
  });

  test("refuses a folder that is not empty and says what to do", async () => {
    const { error } = await run("synth", "--out", savanna, ...small);
    expect(error?.code).toBe("USAGE");
    expect(error?.message).toContain("is not empty");
  });

  test("refuses sizes out of range before writing anything", async () => {
    const quiet = vi.spyOn(process.stderr, "write").mockReturnValue(true);
    for (const size of ["1x1", "160", "99999x10", "1000x100"]) {
      expect((await run("synth", "--out", join(root, "never"), "--size", size)).error?.message).toContain(
        "WIDTHxHEIGHT",
      );
    }
    quiet.mockRestore();
    expect(existsSync(join(root, "never"))).toBe(false);
  });
});

describe("seedgrow data check", () => {
  test("shows classes, counts, masks and that it would train", async () => {
    const { stdout, error } = await run("check", "--data", savanna);
    expect(error).toBeNull();
    expect(stdout).toMatch(/1 │ horse +│ +3 │ +38 % │ +2/);
    expect(stdout).toMatch(/train +8 images, .* 8 masks/);
    expect(stdout).toContain("it would train");
  });

  test("--json is one line that a program can read", async () => {
    const { stdout } = await run("check", "--data", join(savanna, "train"), "--val", join(savanna, "val"), "--json");
    expect(stdout.trim().split("\n")).toHaveLength(1);
    expect(JSON.parse(stdout)).toMatchObject({
      wouldTrain: true,
      layout: "class folders",
      train: { images: 8, masks: 0 },
    });
  });

  test("ends with code 3 and every name when it would not train", async () => {
    const bad = join(root, "bad");
    await run("synth", "--out", bad, ...small);
    writeFileSync(join(bad, "train/horse/empty.jpg"), "");
    writeFileSync(join(bad, "train/zebra/text.jpg"), "text");
    const { stdout, error } = await run("check", "--data", bad);
    expect(error?.exitCode).toBe(3);
    expect(error?.message).toMatch(/^2 of 14 images are broken [^\n]*$/);
    expect(stdout).toContain("horse/empty.jpg: empty file");
    expect(stdout).toContain("zebra/text.jpg: unreadable");
    const json = await run("check", "--data", bad, "--json");
    expect(JSON.parse(json.stdout)).toMatchObject({ wouldTrain: false, reason: { code: "DATA_BROKEN" } });
    expect(json.error?.exitCode).toBe(3);
  });

  test("names copies, leaks between training and validation, and what a run's classifier did not see", async () => {
    const copied = join(root, "copied");
    await run("synth", "--out", copied, ...small);
    const [photo] = readdirSync(join(copied, "train/horse"));
    const copy = await sharp(join(copied, "train/horse", photo!))
      .resize(200)
      .jpeg({ quality: 60 })
      .toBuffer();
    writeFileSync(join(copied, "val/zebra/copy.jpg"), copy);
    await putFakeRun(root, 2);
    const noted = (path: string) => fakeEvent("tag-doubtful", { path, scores: [0.02, 0.9] });
    writeFileSync(join(root, "runs/fox/events.jsonl"), noted(`horse/${photo}`) + noted("horse/gone.jpg"));
    const where = ["--data", copied, "--run", "fox", "--runs", join(root, "runs")];
    const { stdout } = await run("check", ...where);
    expect(stdout).toContain("between training and validation: 1");
    expect(stdout).toContain(`leak, tags differ: train/horse/${photo} (horse)  val/zebra/copy.jpg (zebra)`);
    expect(stdout).toContain(`horse/${photo}: tagged horse; it scores horse 0.02, <zebra> 0.90`);
    const json = JSON.parse((await run("check", ...where, "--json")).stdout);
    expect(json).toMatchObject({ lookAlikes: [{ isLeak: true }], doubtfulTags: [{ path: `horse/${photo}` }] });
  });
});

describe("seedgrow data stats", () => {
  test("draws a page that needs nothing else, or a sheet", async () => {
    const [page, sheet] = [join(root, "stats.html"), join(root, "stats.png")];
    const { stdout } = await run("stats", "--data", savanna, "--out", page, "--per-class", "2", "--json");
    expect(JSON.parse(stdout)).toMatchObject({ photos: 12, lookAlikes: 0 });
    const text = readFileSync(page, "utf8");
    expect(text.match(/<img alt="[^"]+" src="data:image\/jpeg/g)).toHaveLength(6);
    expect(text).not.toMatch(/(src|href)="(?!data:)/);
    await run("stats", "--data", savanna, "--out", sheet, "--per-class", "2");
    const { width, height } = await sharp(sheet).metadata();
    expect([width, height]).toEqual([320, 3 * 188]);
    expect((await run("stats", "--data", savanna, "--out", "x.pdf")).error?.exitCode).toBe(2);
  });
});
