/** The server over real HTTP on loopback, with a segmenter that needs no engine. */
import { request } from "node:http";
import sharp from "sharp";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { cocoMask } from "../../coordinator/export/rle.js";
import { methodConfigSchema } from "../../shared/config/method.js";
import { scratchMethod } from "../../shared/config/presets.js";
import { readPhotoHeader } from "../../shared/data/decode.js";
import { readMaskPng } from "../../shared/data/mask-png.js";
import { type Listening, listen } from "../http/http.js";
import { type PhotoSegmenter, serveRoutes } from "./routes.js";

/** The left half is a horse, where horses are allowed. */
const labelsOf = (width: number, height: number, allowed: readonly number[] | null) =>
  Uint8Array.from({ length: width * height }, (_, i) =>
    i % width < width / 2 && (allowed === null || allowed.includes(1)) ? 1 : 0,
  );

let gate: Promise<void> = Promise.resolve();
const segmenter: PhotoSegmenter = {
  model: {
    ...{ version: 1, seedgrowVersion: "0.1.0", runId: "amber-fox", seed: 0, classes: ["horse", "zebra"], round: 2 },
    ...{ method: methodConfigSchema.parse(scratchMethod), params: { file: "p", digest: "d" }, backbone: null },
  },
  graph: () => Promise.reject(new Error("this model has no network")),
  engine: { name: "none", reason: "", version: "none 1.0", device: "cpu", fingerprint: "" },
  photosAtOnce: 1,
  decode: async (bytes) => ({ ...(await readPhotoHeader(bytes)), pixels: new Uint8Array() }),
  predict: async ({ width, height }, allowed) => {
    await gate;
    return labelsOf(width, height, allowed);
  },
};

let server: Listening;
let photo: Buffer;
beforeEach(async () => {
  gate = Promise.resolve();
  const routes = serveRoutes(segmenter, { bodyBytesMax: 100_000, waitingMax: 1 });
  server = await listen({ host: "127.0.0.1", port: 0, routes });
  photo = await sharp({ create: { width: 10, height: 6, channels: 3, background: "green" } })
    .png()
    .toBuffer();
});
afterEach(() => server.close());

const post = (path: string, body: Uint8Array<ArrayBuffer> | FormData | string) =>
  fetch(new URL(path, server.url), { method: "POST", body });
const bytes = () => new Uint8Array(photo);

interface Answer {
  readonly queued: number;
  readonly classes: readonly { readonly rle: { readonly counts: readonly number[] } }[];
}
const answerOf = async (response: Promise<Response>) => (await (await response).json()) as Answer;

async function errorOf(response: Response): Promise<[number, string]> {
  const { error } = (await response.json()) as { error: { code: string; message: string; hint: string } };
  expect(error.message).not.toBe("");
  return [response.status, error.code];
}

describe("/predict", () => {
  test("a photo's bytes give a palette PNG of its size", async () => {
    const response = await post("/predict", bytes());
    expect([response.status, response.headers.get("content-type")]).toEqual([200, "image/png"]);
    const mask = readMaskPng(new Uint8Array(await response.arrayBuffer()));
    expect(mask).toMatchObject({ width: 10, height: 6, labels: labelsOf(10, 6, null) });
  });

  test("a form with a file gives JSON whose runs decode to the mask", async () => {
    const form = new FormData();
    form.set("note", "text before the file");
    form.set("photo", new Blob([bytes()]), "a.png");
    const answer = await answerOf(post("/predict?format=json", form));
    expect(answer).toMatchObject({ width: 10, height: 6, classes: [{ id: 1, name: "horse", share: 0.5 }] });
    expect(cocoMask(answer.classes[0]!.rle.counts, 10, 6)).toEqual(labelsOf(10, 6, null));
  });

  test("tags limit the answer", async () => {
    expect((await answerOf(post("/predict?format=json&tags=zebra", bytes()))).classes).toEqual([]);
    expect(await errorOf(await post("/predict?tags=cow", bytes()))).toEqual([400, "TAG_UNKNOWN"]);
  });

  test("what cannot be segmented is refused with a reason", async () => {
    expect(await errorOf(await post("/predict", new Uint8Array()))).toEqual([400, "BODY_EMPTY"]);
    expect(await errorOf(await post("/predict", "no photo"))).toEqual([422, "DATA_BROKEN"]);
    expect(await errorOf(await post("/predict", new Uint8Array(100_001)))).toEqual([413, "BODY_TOO_LARGE"]);
    expect(await errorOf(await post("/predict", new FormData()))).toEqual([400, "FORM_INVALID"]);
    expect(await errorOf(await post("/predict?format=bmp", bytes()))).toEqual([400, "FORMAT_UNKNOWN"]);
    const huge = await sharp({ create: { width: 9000, height: 9000, channels: 3, background: "red" } })
      .png()
      .toBuffer();
    const roomy = await listen({
      ...{ host: "127.0.0.1", port: 0 },
      routes: serveRoutes(segmenter, { bodyBytesMax: 1e8, waitingMax: 1 }),
    });
    const response = await fetch(`${roomy.url}predict`, { method: "POST", body: new Uint8Array(huge) });
    expect(await errorOf(response)).toEqual([413, "PHOTO_TOO_LARGE"]);
    await roomy.close();
  });

  test("a full queue says so at once, and empties", async () => {
    let open = () => {};
    gate = new Promise((resolve) => {
      open = resolve;
    });
    const waiting = [post("/predict", bytes()), post("/predict", bytes())];
    await expect.poll(async () => (await answerOf(fetch(`${server.url}healthz`))).queued).toBe(2);
    const refused = await post("/predict", bytes());
    expect(refused.headers.get("retry-after")).toBe("1");
    expect(await errorOf(refused)).toEqual([503, "QUEUE_FULL"]);
    open();
    expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual([200, 200]);
    expect((await post("/predict", bytes())).status).toBe(200);
  });
});

test("a segmenter that takes two photos at once gets them, and as many may wait as before", async () => {
  let open = () => {};
  const held = new Promise<void>((resolve) => {
    open = resolve;
  });
  let started = 0;
  const predict: PhotoSegmenter["predict"] = async ({ width, height }) => {
    started++;
    await held;
    return new Uint8Array(width * height);
  };
  const routes = serveRoutes({ ...segmenter, photosAtOnce: 2, predict }, { bodyBytesMax: 100_000, waitingMax: 1 });
  const wide = await listen({ host: "127.0.0.1", port: 0, routes });
  const ask = () => fetch(`${wide.url}predict`, { method: "POST", body: bytes() });
  const asked = [ask(), ask(), ask()];
  await expect.poll(async () => (await answerOf(fetch(`${wide.url}healthz`))).queued).toBe(3);
  await expect.poll(() => started).toBe(2);
  expect(await errorOf(await ask())).toEqual([503, "QUEUE_FULL"]);
  open();
  expect((await Promise.all(asked)).map(({ status }) => status)).toEqual([200, 200, 200]);
  expect(started).toBe(3);
  await wide.close();
});

describe("the server", () => {
  test("says how it is and what the model knows", async () => {
    const health = await answerOf(fetch(`${server.url}healthz`));
    expect(health).toMatchObject({ status: "ok", model: { runId: "amber-fox", round: 2 }, queued: 0 });
    expect(health.classes[1]).toEqual({ id: 2, name: "zebra", color: [30, 160, 255] });
  });

  test("sends a page that may load nothing from elsewhere", async () => {
    const response = await fetch(server.url);
    expect(response.headers.get("content-security-policy")).toContain("default-src 'self'");
    const page = await response.text();
    expect(page).toContain("Drop a photo");
    expect(page).not.toMatch(/(src|href)="(?!\/)/);
  });

  test("knows no other files, whatever the path", async () => {
    for (const path of ["/nothing", "/../package.json", "/%2e%2e/package.json", "/style.css/../../package.json"]) {
      expect([path, await rawStatus(path)]).toEqual([path, 404]);
    }
    expect(await errorOf(await fetch(`${server.url}predict`))).toEqual([405, "METHOD_NOT_ALLOWED"]);
  });

  test("does not answer for another domain that leads to this machine", async () => {
    expect(await rawStatus("/healthz", { Host: "evil.example" })).toBe(403);
    expect(await rawStatus("/healthz", { Host: "localhost:1234" })).toBe(200);
  });

  test("a port that is taken has a name", async () => {
    const port = Number(new URL(server.url).port);
    await expect(listen({ host: "127.0.0.1", port, routes: [] })).rejects.toMatchObject({ code: "PORT_BUSY" });
  });
});

/** `fetch` would tidy the path up before it is sent. */
function rawStatus(path: string, headers: Record<string, string> = {}): Promise<number> {
  const { hostname, port } = new URL(server.url);
  return new Promise((resolve, reject) => {
    const sent = request({ hostname, port, path, headers }, (response) => {
      response.resume();
      resolve(response.statusCode!);
    });
    sent.on("error", reject).end();
  });
}
