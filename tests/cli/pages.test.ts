/** The pages of `serve` and `dashboard` in a real browser, as they are shipped in dist/. Skipped without a Chromium. */
import { appendFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Listening } from "../../cli/http/http.js";
import type { PhotoSegmenter } from "../../cli/serve/routes.js";
import { encodeMapPack } from "../../shared/codec/map-pack.js";
import { methodConfigSchema } from "../../shared/config/method.js";
import { readPhotoHeader } from "../../shared/data/decode.js";
import { Chromium } from "../support/chromium.js";
import { fakeEvent, fakeSide, put, putFakeRun } from "../support/fake-run.js";

const waiting = { timeout: 20_000, interval: 100 };
let browser: Chromium | null = null;
let dir = "";

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "pages-"));
  await putFakeRun(dir, 300);
  browser = await Chromium.start();
});
afterAll(async () => {
  await browser?.close();
  await rm(dir, { recursive: true, force: true });
});

/** The compiled module: its pages lie beside it. */
async function shipped<T>(path: string): Promise<T> {
  return (await import(fileURLToPath(new URL(`../../dist/cli/${path}`, import.meta.url)))) as T;
}

async function serving(routes: Parameters<typeof import("../../cli/http/http.js").listen>[0]["routes"]) {
  const { listen } = await shipped<typeof import("../../cli/http/http.js")>("http/http.js");
  return listen({ host: "127.0.0.1", port: 0, routes });
}

async function stayedAtHome(page: Chromium, { url }: Listening): Promise<void> {
  expect(page.complaints).toEqual([]);
  const origins = page.requests
    .map((address) => new URL(address))
    .filter(({ protocol }) => protocol.startsWith("http"));
  expect([...new Set(origins.map(({ origin }) => origin))]).toEqual([new URL(url).origin]);
}

const text = (id: string) => `document.getElementById("${id}").textContent`;
const set = (id: string, value: string, event: string) =>
  `{ const e = document.getElementById("${id}"); e.value = "${value}"; e.dispatchEvent(new Event("${event}")); }`;

describe("the dashboard", () => {
  test("shows rounds, filters, sorts, opens a photo, and hears of a new round", async ({ skip }) => {
    if (!browser) return skip("there is no Chromium here");
    const page = browser;
    const { dashboardRoutes } = await shipped<typeof import("../../cli/dashboard/routes.js")>("dashboard/routes.js");
    page.complaints.length = page.requests.length = 0;
    const server = await serving(dashboardRoutes(join(dir, "runs"), null));
    const see = (expression: string) => expect.poll(() => page.ask(expression).catch(() => null), waiting);
    await page.open(server.url);
    await see(text("count")).toBe("300 photos");
    await see(text("column-name")).toBe("Round 1");
    await page.ask(`document.getElementById("gallery").scrollIntoView()`);
    const cells = `document.querySelectorAll(".cell").length`;
    await see(`${cells} > 10 && ${cells} < 150`).toBe(true);
    await page.ask(set("filter", "0", "change"));
    await see(text("count")).toBe("1 of 300 photos");
    await page.ask(set("filter", "", "change"));
    await page.ask(set("sort", "most", "change"));
    await see(`document.querySelector(".cell .num").textContent`).toBe("50.0 %");
    await page.ask(`document.querySelector(".cell").focus()`);
    await page.ask("document.activeElement.click()");
    await see(text("viewer-name")).toBe("1.jpg");
    await page.press("ArrowDown");
    await see(text("viewer-column-name")).toBe("Seeds");
    await page.press("ArrowRight");
    await see(text("viewer-name")).toBe("0.jpg");
    await page.ask(`document.getElementById("close").click()`);
    await see("document.activeElement.className").toBe("cell");
    await publishRound();
    await see(text("column-name")).toBe("Round 2");
    await see(text("timeline")).toContain("worker w1 lost: unplugged");
    // The photos beyond the first 20 are not there: a gap in the grid, and a line in the console.
    page.complaints.splice(0, Infinity, ...page.complaints.filter((line) => !line.includes("404")));
    await stayedAtHome(page, server);
    // The page listens for as long as it is open.
    await page.open("about:blank");
    await server.close();
  }, 90_000);

  async function publishRound(): Promise<void> {
    const run = join(dir, "runs", "fox");
    const data = new Uint8Array(fakeSide * fakeSide).fill(2);
    const map = { image: 1, width: fakeSide, height: fakeSide, channels: 1, data };
    await put(join(run, "labels/v2/shard-000.pack"), encodeMapPack([map]));
    const stage = { labels: null, val: null, valGated: null, seconds: 1, losses: [], changedShare: null };
    const stages = [
      { ...stage, name: "seeds", labelVersion: 0 },
      { ...stage, name: "round-1", labelVersion: 1 },
      { ...stage, name: "round-2", labelVersion: 2 },
    ];
    await put(join(run, "stages.json"), JSON.stringify(stages));
    await appendFile(
      join(run, "events.jsonl"),
      `\n${fakeEvent("worker-lost", { workerId: "w1", reason: "unplugged" })}`,
    );
  }
});

describe("the page of serve", () => {
  test("shows the mask of a chosen photo, hides a class, and tells what cannot be read", async ({ skip }) => {
    if (!browser) return skip("there is no Chromium here");
    const page = browser;
    const { serveRoutes } = await shipped<typeof import("../../cli/serve/routes.js")>("serve/routes.js");
    page.complaints.length = page.requests.length = 0;
    const server = await serving(serveRoutes(leftHalf, { bodyBytesMax: 1e6, waitingMax: 2 }));
    const see = (expression: string) => expect.poll(() => page.ask(expression).catch(() => null), waiting);
    await page.open(server.url);
    await see(text("model")).toContain("run fox");
    await page.chooseFile("#file", join(dir, "photos", "0.jpg"));
    await see(text("status")).toContain("horse 50.0 %");
    const leftPixel = `document.getElementById("canvas").getContext("2d").getImageData(100, 300, 1, 1).data[0]`;
    const masked = await page.ask<number>(leftPixel);
    await page.ask(`document.querySelector("#legend input").click()`);
    expect(await page.ask<number>(leftPixel)).toBeLessThan(masked - 20);
    await put(join(dir, "broken.jpg"), "no photo");
    await page.chooseFile("#file", join(dir, "broken.jpg"));
    await see(text("status")).toBe("No mask.");
    expect(await page.ask(`document.getElementById("error").hidden`)).toBe(false);
    await stayedAtHome(page, server);
    await server.close();
  }, 90_000);

  /** The left half of every photo is a horse. */
  const leftHalf: PhotoSegmenter = {
    model: {
      ...{ version: 1, seedgrowVersion: "0.1.0", runId: "fox", seed: 0, classes: ["horse"], round: 2 },
      ...{ method: methodConfigSchema.parse({}), params: { file: "p", digest: "d" }, backbone: null },
    },
    graph: () => Promise.reject(new Error("this model has no network")),
    engine: { name: "none", reason: "", version: "none 1.0", device: "cpu", fingerprint: "" },
    photosAtOnce: 1,
    decode: async (bytes) => ({
      ...(await readPhotoHeader(bytes)),
      pixels: new Uint8Array(await sharp(bytes).toBuffer()),
    }),
    predict: async ({ width, height }) =>
      Uint8Array.from({ length: width * height }, (_, i) => (i % width < width / 2 ? 1 : 0)),
  };
});
