/**
 * Review and correction in the gallery, the model in the page of `serve`, and the dashboard of a running training, in a
 * real browser: driven, compared with screenshots, checked by axe, watched for requests that leave. Skipped without a
 * Chromium.
 */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import type { Listening, Route } from "../../cli/http/http.js";
import type { PhotoSegmenter } from "../../cli/serve/routes.js";
import { decodeSquare, readPhotoHeader } from "../../shared/data/decode.js";
import { squarePicture, tinyMethod, wildCompute } from "../../worker/segmentation/testing.js";
import { axeProblems } from "../support/axe.js";
import { Chromium } from "../support/chromium.js";
import { put, putFakeRun } from "../support/fake-run.js";
import { screenDifference, shareMax } from "../support/screens.js";
import { Workplace } from "../support/seedgrow.js";

const waiting = { timeout: 60_000, interval: 150 };
let browser: Chromium | null = null;
let dir = "";
let server: Listening | null = null;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "review-"));
  await putFakeRun(dir, 12);
  browser = await Chromium.start();
});
afterAll(async () => {
  await browser?.close();
  await rm(dir, { recursive: true, force: true });
});
beforeEach(() => {
  if (browser) browser.complaints.length = browser.requests.length = 0;
});
afterEach(async () => {
  await browser?.open("about:blank");
  await server?.close();
  server = null;
});

/** The compiled module: its pages lie beside it. */
async function shipped<T>(path: string): Promise<T> {
  return (await import(fileURLToPath(new URL(`../../dist/cli/${path}`, import.meta.url)))) as T;
}

async function serving(routes: readonly Route[]): Promise<Listening> {
  const { listen } = await shipped<typeof import("../../cli/http/http.js")>("http/http.js");
  server = await listen({ host: "127.0.0.1", port: 0, routes });
  return server;
}

const text = (id: string) => `document.getElementById("${id}").textContent`;
const see = (page: Chromium, expression: string) => expect.poll(() => page.ask(expression).catch(() => null), waiting);
const click = (page: Chromium, selector: string) =>
  page.ask(`document.querySelector(${JSON.stringify(selector)}).click()`);

function expectAtHome(page: Chromium, url: string): void {
  expect(page.complaints).toEqual([]);
  const places = page.requests.map((address) => new URL(address)).filter(({ protocol }) => protocol.startsWith("http"));
  expect([...new Set(places.map(({ origin }) => origin))]).toEqual([new URL(url).origin]);
}

async function expectScreen(page: Chromium, name: string): Promise<void> {
  expect((await screenDifference(page, name)) ?? 0).toBeLessThan(shareMax);
}

describe("review in the gallery", () => {
  test("judges, retags, paints and undoes; what is said is in the run's file", async ({ skip }) => {
    if (!browser) return skip("there is no Chromium here");
    const page = browser;
    const { dashboardRoutes } = await shipped<typeof import("../../cli/dashboard/routes.js")>("dashboard/routes.js");
    const { url } = await serving(dashboardRoutes(join(dir, "runs"), null));
    await page.look("light");
    await page.open(url);
    await see(page, text("count")).toBe("12 photos");
    await see(page, text("column-name")).toBe("Round 1");
    expect(await axeProblems(page)).toEqual([]);
    await page.ask(`document.getElementById("gallery").scrollIntoView()`);
    await see(page, `document.querySelectorAll(".cell").length > 5`).toBe(true);
    await page.ask(`document.querySelectorAll(".cell")[1].click()`);
    await see(page, text("viewer-name")).toBe("1.jpg");
    await page.press("g");
    await see(page, text("judged")).toBe("The mask of round 1 stays as it is.");
    await page.ask(`document.querySelectorAll("#tags input")[1].click()`);
    await page.ask(`document.querySelectorAll("#tools input")[1].click()`);
    await page.ask(`document.querySelector(".strokes").focus()`);
    for (const key of [" ", "ArrowRight", "ArrowRight", "ArrowDown", " "]) await page.press(key);
    await see(page, text("stroke-count")).toBe("1 stroke");
    for (const key of [" ", "ArrowLeft", "Escape", "u"]) await page.press(key);
    await see(page, text("stroke-count")).toBe("");
    await see(page, text("viewer-name")).toBe("1.jpg");
    await page.drag([...Array(8).keys()].map((i) => [350 + 20 * i, 400] as const));
    await see(page, text("stroke-count")).toBe("1 stroke");
    await page.ask(`document.querySelectorAll("#tools input")[3].click()`);
    await page.drag([
      [400, 500],
      [450, 520],
    ]); // prettier-ignore
    await see(page, text("stroke-count")).toBe("2 strokes");
    await page.press("u");
    await see(page, text("stroke-count")).toBe("1 stroke");
    await see(page, text("saved")).toBe("Saved. Round 1 takes it.");
    const { photos } = JSON.parse(await readFile(join(dir, "runs/fox/corrections.json"), "utf8"));
    expect(Object.keys(photos)).toEqual(["1.jpg"]);
    const { verdict, version, tags, strokes } = photos["1.jpg"];
    expect({ verdict, version, tags }).toEqual({ verdict: "good", version: 1, tags: ["horse", "<zebra>"] });
    expect(strokes).toMatchObject([{ class: "horse", radius: 0.03 }]);
    expect(strokes[0].points.length).toBeGreaterThan(4);
    expect(await axeProblems(page)).toEqual([]);
    await expectScreen(page, "review-light");
    await page.look("dark", 700, 900);
    expect(await axeProblems(page)).toEqual([]);
    await expectScreen(page, "review-dark-narrow");
    await page.look("light");
    await click(page, "#close");
    await see(page, `document.querySelector(".mark")?.textContent`).toBe("✓");
    await page.ask(
      `{ const e = document.getElementById("review-filter"); e.value = "good"; e.dispatchEvent(new Event("change")); }`,
    );
    await see(page, text("count")).toBe("1 of 12 photos");
    expectAtHome(page, url);
  }, 240_000);

  test("cannot be written by a page from elsewhere", async () => {
    const { dashboardRoutes } = await shipped<typeof import("../../cli/dashboard/routes.js")>("dashboard/routes.js");
    const { url } = await serving(dashboardRoutes(join(dir, "runs"), null));
    const body = JSON.stringify({ verdict: null, version: null, tags: [], strokes: [] });
    const at = `${url}api/runs/fox/corrections/2`;
    expect((await fetch(at, { method: "PUT", body, headers: { "Content-Type": "text/plain" } })).status).toBe(415);
    expect((await fetch(at, { method: "OPTIONS" })).status).toBe(405);
    const wrong = await fetch(at, { method: "PUT", body: "{}", headers: { "Content-Type": "application/json" } });
    expect([wrong.status, ((await wrong.json()) as { error: { code: string } }).error.code]).toEqual([
      422,
      "CORRECTIONS_INVALID",
    ]);
  });
});

describe("the model in the page of serve", () => {
  /** A network as it is before training: it has opinions, and they are the same everywhere. */
  async function untrained(): Promise<PhotoSegmenter> {
    const compute = await wildCompute();
    return {
      model: {
        ...{ version: 1, seedgrowVersion: "0.1.0", runId: "fox", seed: 7, classes: ["horse", "zebra"], round: 1 },
        ...{ method: tinyMethod, params: { file: "p", digest: "d" }, backbone: null },
      },
      engine: { name: "none", reason: "", version: "none 1.0", device: "cpu", fingerprint: "" },
      photosAtOnce: 1,
      decode: async (bytes) => ({
        ...(await readPhotoHeader(bytes)),
        pixels: await decodeSquare(bytes, tinyMethod.imageSize),
      }),
      predict: async ({ pixels, width, height }, allowed) => {
        return (await compute.predict([{ image: 0, pixels, width, height, allowed }]))[0]!.labels;
      },
      graph: async () => compute.graph(),
    };
  }

  test("gives the server's mask, without the server", async ({ skip }) => {
    if (!browser) return skip("there is no Chromium here");
    const page = browser;
    const { serveRoutes } = await shipped<typeof import("../../cli/serve/routes.js")>("serve/routes.js");
    const { url } = await serving(serveRoutes(await untrained(), { bodyBytesMax: 1e6, waitingMax: 2 }));
    // Of the model's own size: the browser's and the server's ways of shrinking a photo have no part in it.
    const { pixels: rgb } = squarePicture(0, [1, 2]);
    const picture = sharp(rgb, { raw: { width: 32, height: 32, channels: 3 } });
    await put(join(dir, "square.png"), await picture.png().toBuffer());
    await page.look("light");
    await page.open(url);
    await see(page, text("model")).toContain("run fox");
    expect(await axeProblems(page)).toEqual([]);
    await expectScreen(page, "serve-light");
    await page.chooseFile("#file", join(dir, "square.png"));
    await see(page, text("status")).toContain("on the server");
    // Every 37th pixel of the drawing.
    const pixels = `(() => {
      const { data } = document.getElementById("canvas").getContext("2d").getImageData(0, 0, 960, 960);
      return Array.from({ length: Math.floor(data.length / 148) }, (_, i) => data[i * 148 + i % 3]);
    })()`;
    const byServer = await page.ask<number[]>(pixels);
    await click(page, "input[name=where][value=page]");
    await see(page, text("status")).toMatch(/in this page, (wasm|webgl)/);
    const byPage = await page.ask<number[]>(pixels);
    expect(new Set(byServer).size).toBeGreaterThan(2);
    const differing = byServer.filter((value, i) => Math.abs(value - byPage[i]!) > 2).length / byServer.length;
    expect(differing).toBeLessThan(0.002);
    await page.look("dark", 500, 900);
    expect(await axeProblems(page)).toEqual([]);
    await expectScreen(page, "serve-dark-narrow");
    expectAtHome(page, url);
  }, 240_000);
});

describe("the dashboard of a training that goes on", () => {
  const work = new Workplace();
  afterAll(() => {
    vi.unstubAllEnvs();
    work.clear();
  });

  test("follows it by itself, takes a correction, and the next round has it", async ({ skip }) => {
    if (!browser) return skip("there is no Chromium here");
    const page = browser;
    // Hashes instead of gradients, at a pace that a page can follow.
    vi.stubEnv("SEEDGROW_WORKER_ENGINE", "simulated");
    vi.stubEnv("SEEDGROW_WORKER_SIMULATED_IMAGE_MS", "60");
    await work.draw(10, 0);
    const run = work.train(["--local", "1", "--dashboard", "0"], { "method.rounds": 3, "method.segmenter.steps": 12 });
    await work.event(run, "phase-started", { phase: "train-1" });
    const url = /dashboard: (http:\S+)/.exec(run.stderr)![1]!;
    await page.look("light");
    await page.open(url);
    await see(page, text("state")).toBe("running");
    await see(page, text("column-name")).toBe("Seeds");
    await see(page, `document.getElementById("now").hidden`).toBe(false);
    expect(await axeProblems(page)).toEqual([]);
    await page.ask(`document.getElementById("gallery").scrollIntoView()`);
    await see(page, `document.querySelectorAll(".cell").length > 3`).toBe(true);
    await page.ask(`document.querySelectorAll(".cell")[0].click()`);
    await page.press("b");
    await see(page, text("saved")).toMatch(/^Saved\. Round [23] takes it\.$/);
    await click(page, "#close");
    const taken = await work.event(run, "corrections-applied");
    expect(taken).toMatchObject({ photos: 1, bad: 1 });
    await see(page, text("column-name")).toMatch(/Round \d/);
    await see(page, text("timeline")).toContain("takes corrections of 1 photos");
    expectAtHome(page, url);
    await page.open("about:blank");
    await run.ends(0);
  }, 240_000);
});
