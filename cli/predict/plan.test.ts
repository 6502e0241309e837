import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { findInputs } from "./inputs.js";
import { planOutputs } from "./plan.js";

const made: string[] = [];
afterEach(() => {
  for (const dir of made.splice(0)) rmSync(dir, { recursive: true, force: true });
});

/** A folder with empty files of these names. */
function folder(...names: readonly string[]): string {
  const dir = mkdtempSync(join(tmpdir(), "seedgrow-predict-"));
  made.push(dir);
  for (const name of names) {
    mkdirSync(dirname(join(dir, name)), { recursive: true });
    writeFileSync(join(dir, name), "");
  }
  return dir;
}

describe("the inputs", () => {
  test("of a folder are its photos with their paths below it, in the order of their bytes", async () => {
    const dir = folder("b/2.jpg", "b/1.JPG", "a.png", "notes.txt", ".hidden/x.jpg", "c.heic");
    const { images, unsupported } = await findInputs([dir], "elsewhere");
    expect(images.map(({ name }) => name)).toEqual(["a.png", "b/1.JPG", "b/2.jpg"]);
    expect(unsupported).toEqual([join(dir, "c.heic")]);
  });

  test("are each taken once, however often they are named", async () => {
    const dir = folder("a.jpg");
    const { images } = await findInputs([join(dir, "a.jpg"), dir, `${dir}/./a.jpg`], "elsewhere");
    expect(images).toHaveLength(1);
  });

  test("do not include the masks of an earlier call below the folder", async () => {
    const dir = folder("a.jpg", "masks/a.png");
    expect((await findInputs([dir], join(dir, "masks"))).images.map(({ name }) => name)).toEqual(["a.jpg"]);
  });

  test("that are none are an error, and so is a path that leads nowhere", async () => {
    await expect(findInputs([folder("notes.txt")], "out")).rejects.toMatchObject({ code: "DATA_EMPTY" });
    await expect(findInputs(["/no/such/photo.jpg"], "out")).rejects.toMatchObject({ code: "DATA_NOT_FOUND" });
  });
});

describe("the outputs", () => {
  const plan = (images: readonly [path: string, name: string][], overlay = false) =>
    planOutputs(
      images.map(([path, name]) => ({ path, name })),
      { outDir: "out", overlay },
    );

  test("keep the paths below a folder", () => {
    expect(plan([["in/a/x.tar.jpg", "a/x.tar.jpg"]], true)[0]).toMatchObject({
      maskPath: "out/a/x.tar.png",
      overlayPath: "out/a/x.tar.overlay.jpg",
    });
  });

  test("of two photos never share a file", () => {
    const clash = [
      ["in/a/x.jpg", "x.jpg"],
      ["in/b/x.png", "x.png"],
    ] as [string, string][];
    expect(() => plan(clash)).toThrow("in/a/x.jpg and in/b/x.png would both write out/x.png");
  });

  test("never replace a photo", () => {
    expect(() => plan([["out/x.png", "x.png"]])).toThrow("would overwrite the photo out/x.png");
  });
});
