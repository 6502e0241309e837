/** The dashboard's answers over real HTTP, from a small run folder made here. */
import { appendFile, mkdtemp, readdir, rm } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { encodeMapPack } from "../../shared/codec/map-pack.js";
import { fakeClasses, fakeEvent, fakeSide, put, putFakeRun } from "../../tests/support/fake-run.js";
import { type Listening, listen } from "../http/http.js";
import { dashboardRoutes } from "./routes.js";

let dir = "";
let server: Listening;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "dashboard-"));
  await putFakeRun(dir, 3);
  server = await listen({ host: "127.0.0.1", port: 0, routes: dashboardRoutes(join(dir, "runs"), null) });
});
afterEach(async () => {
  await server.close();
  await rm(dir, { recursive: true });
});

async function get<T>(path: string): Promise<T> {
  const response = await fetch(new URL(path, server.url));
  expect([path, response.status]).toEqual([path, 200]);
  return (await response.json()) as T;
}

/** `fetch` would tidy the path up before it is sent. */
function rawStatus(path: string): Promise<number> {
  const { hostname, port } = new URL(server.url);
  return new Promise((resolve, reject) => {
    const sent = request({ hostname, port, path }, (response) => {
      response.resume();
      resolve(response.statusCode!);
    });
    sent.on("error", reject).end();
  });
}

describe("a run", () => {
  test("is listed without its place on the disk", async () => {
    const runs = await get<object[]>("/api/runs");
    expect(runs).toEqual([{ runId: "fox", state: "running", createdAt: "2026-08-04T11:20:30.000Z" }]);
  });

  test("is told from its folder: state, rounds, curves, workers, timeline, a torn line passed over", async () => {
    const overview = await get<Record<string, unknown>>("/api/runs/fox");
    expect(overview).toMatchObject({
      ...{ state: "killed", photos: 3, status: null },
      classes: [
        { id: 1, name: "horse" },
        { id: 2, name: "<zebra>" },
      ],
      columns: [
        { version: 0, title: "Seeds" },
        { version: 1, title: "Round 1" },
      ],
      workers: [{ id: "w1", state: "joined" }],
      timeline: { phases: [{ title: "classifier", to: null }], marks: [{ text: "worker w1 joined" }] },
    });
    expect((overview.charts as { losses: string[] }).losses[0]).toContain("<svg");
  });

  test("tells every image, and how much its labels changed", async () => {
    const images = await get<object[]>("/api/runs/fox/images");
    expect(images[1]).toEqual({ path: "1.jpg", width: 40, height: 30, tags: [1] });
    expect(await get("/api/runs/fox/disagreement/0/1")).toEqual([0, 0.5, 0]);
    expect(await get("/api/runs/fox/disagreement/1/2")).toEqual([null, null, null]);
  });

  test("that has only begun has no photos yet", async () => {
    await rm(join(dir, "runs/fox/manifest.json"));
    expect(await get("/api/runs/fox")).toMatchObject({ photos: null, classes: [] });
    expect(await get("/api/runs/fox/images")).toEqual([]);
  });

  test("streams that it has moved", async () => {
    const response = await fetch(`${server.url}api/runs/fox/live`);
    const reader = response.body!.getReader();
    const decoder = new TextDecoder();
    let heard = "";
    setTimeout(() => void appendFile(join(dir, "runs/fox/events.jsonl"), fakeEvent("running")), 100);
    while (!heard.includes("event: change")) heard += decoder.decode((await reader.read()).value);
    await reader.cancel();
  });

  test("is only read", async () => {
    const before = (await readdir(dir, { recursive: true })).sort();
    for (const path of ["", "/images", "/photo/1/thumb", "/labels/1/1"])
      await fetch(`${server.url}api/runs/fox${path}`);
    expect((await readdir(dir, { recursive: true })).sort()).toEqual(before);
  });
});

describe("pictures", () => {
  async function pixels(path: string) {
    const response = await fetch(new URL(path, server.url));
    expect(response.headers.get("content-type")).toBe("image/webp");
    return sharp(await response.arrayBuffer())
      .ensureAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true });
  }

  test("photos keep their shape; labels are class colours on nothing; heat is opaque", async () => {
    expect((await pixels("/api/runs/fox/photo/1/thumb")).info).toMatchObject({ width: 40, height: 30 });
    const { data, info } = await pixels("/api/runs/fox/labels/1/1");
    expect(info).toMatchObject({ width: fakeSide, height: fakeSide });
    expect([...data.subarray(0, 4)]).toEqual([255, 122, 26, 255]);
    expect(data[7]).toBe(0);
    expect((await pixels("/api/runs/fox/cam/1")).data[3]).toBe(255);
  });

  test("a map that is not there is nothing, and may come later; a photo that is not there is an error", async () => {
    expect((await fetch(`${server.url}api/runs/fox/labels/2/1`)).status).toBe(204);
    const data = new Uint8Array(fakeSide * fakeSide).fill(2);
    const pack = encodeMapPack([{ image: 1, width: fakeSide, height: fakeSide, channels: 1, data }]);
    await put(join(dir, "runs/fox/labels/v2/shard-000.pack"), pack);
    expect((await fetch(`${server.url}api/runs/fox/labels/2/1`)).status).toBe(200);
    expect((await fetch(`${server.url}api/runs/fox/photo/99/thumb`)).status).toBe(404);
  });
});

describe("no path leads out", () => {
  test("of the pages and the runs", async () => {
    const paths = [
      "/../secret.jpg",
      "/%2e%2e/secret.jpg",
      "/api/runs/../../secret.jpg",
      "/api/runs/..",
      "/api/runs/%2e%2e",
      "/api/runs/..%2f..%2fphotos",
      "/api/runs/fox/photo/..%2f..%2fsecret.jpg/thumb",
      "/api/runs/fox/photo/-1/thumb",
      "/api/runs/fox/labels/../../run.json/1",
      "//etc/passwd",
    ];
    for (const path of paths) expect([path, await rawStatus(path)]).toEqual([path, 404]);
  });

  test("of the photos' folder, not even by the manifest", async () => {
    const manifest = JSON.stringify({
      ...{ version: 1, classes: fakeClasses, val: null },
      train: {
        root: join(dir, "photos"),
        images: [
          {
            path: "../secret.jpg",
            digest: "0".repeat(64),
            bytes: 1,
            width: 40,
            height: 30,
            tags: [],
            maskDigest: null,
          },
        ],
        shards: [[0]],
      },
    });
    await put(join(dir, "runs/fox/manifest.json"), manifest);
    const response = await fetch(`${server.url}api/runs/fox/photo/0/thumb`);
    expect([response.status, await response.json()]).toMatchObject([404, { error: { code: "DATA_NOT_FOUND" } }]);
  });
});

test("2,000 photos: the page's first answers do not wait for all of them (0.3 s on an idle machine)", async () => {
  await putFakeRun(dir, 2_000);
  const startedMs = performance.now();
  await Promise.all([get("/api/runs/fox"), get("/api/runs/fox/images")]);
  await Promise.all(Array.from({ length: 20 }, (_, image) => fetch(`${server.url}api/runs/fox/photo/${image}/thumb`)));
  expect(performance.now() - startedMs).toBeLessThan(10_000);
});
