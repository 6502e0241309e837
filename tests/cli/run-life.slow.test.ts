/** The life of a run as its user sees it: watched, looked at, stopped, resumed, used. One run serves all tests, in order. */
import { readFileSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readMaskPng } from "../../shared/data/mask-png.js";
import { type Seedgrow, Workplace } from "../support/seedgrow.js";
import { until } from "../support/until.js";

const place = new Workplace();
/** Long enough to be looked at before it is stopped. */
const slow = { "method.classifier.steps": 400 };
let training: Seedgrow;
let watching: Seedgrow;

beforeAll(async () => {
  await place.draw(8, 4);
  training = place.train(["--local", "1"], slow);
  await place.event(training, "worker-joined");
  watching = place.seedgrow("watch", "--json");
}, 90_000);
afterAll(() => place.clear());

describe("a run", () => {
  test("under way shows its phase, speed and workers, from its own broker", async () => {
    const view = await until("a running status from the bus", async () => {
      const asked = await place.seedgrow("status", "latest", "--json").ends(0);
      const view = asked.json<{ state: string; status: object | null }>();
      return view.status === null || view.state === "waiting" ? null : view;
    });
    expect(view).toMatchObject({ runId: training.runId, state: "running", phase: "classifier" });
    expect(view.status).toMatchObject({ total: 400, workers: [{ state: "active" }] });
    const all = (await place.seedgrow("status", "--json").ends(0)).json<unknown[]>();
    expect(all).toHaveLength(1);
  });

  test("is stopped from elsewhere, and says how to go on", async () => {
    const stop = await place.seedgrow("stop", training.runId!).ends(0);
    expect(stop.stdout).toContain("go on with: seedgrow resume");
    await training.ends(130);
    const again = await place.seedgrow("stop", training.runId!).ends(2);
    expect(again.stderr).toContain("is not running: it is stopped");
  });

  test("takes its watcher along when it ends", async () => {
    await watching.ends(0);
    const kinds = watching.stdout
      .trim()
      .split("\n")
      .map((line) => (JSON.parse(line) as { kind: string }).kind);
    expect(kinds).toEqual(expect.arrayContaining(["phase-started", "worker-joined", "run-ended"]));
  });

  test("killed without a word is seen as that", async () => {
    const path = place.path("runs", training.runId!, "run.json");
    const record = JSON.parse(readFileSync(path, "utf8")) as object;
    writeFileSync(path, JSON.stringify({ ...record, state: "running", finishedAt: null }));
    const rows = (await place.seedgrow("runs", "--json").ends(0)).json<{ state: string }[]>();
    expect(rows).toMatchObject([{ state: "killed", photos: 8, classes: ["horse", "zebra"] }]);
    const watch = await place.seedgrow("watch").ends(0);
    expect(watch.stdout).toContain("its coordinator has gone");
  });
});

describe("a finished run", () => {
  test("has a row with scores, a log to read, and a model to use", async () => {
    const { runId } = (await place.train(["--local", "1"]).ends(0)).json<{ runId: string }>();
    const rows = (await place.seedgrow("runs", "--json").ends(0)).json<object[]>();
    expect(rows[0]).toMatchObject({ runId, state: "done", roundsDone: 2, rounds: 2 });

    const watch = await place.seedgrow("watch", runId).ends(0);
    expect(watch.stdout.match(/round-\d .*val mIoU/g)).toHaveLength(2);
    expect(watch.stdout).toContain(`run ${runId} is done`);

    writeFileSync(place.path("data/val/broken.jpg"), "no photo");
    const predict = await place
      .seedgrow("predict", "--model", "latest", "--out", "masks", "--overlay", "--json", "data/val")
      .ends(3);
    const result = predict.json<{ masks: { mask: string }[]; skipped: { image: string }[] }>();
    expect(result.masks).toHaveLength(4);
    expect(result.skipped.map(({ image }) => image)).toEqual(["data/val/broken.jpg"]);
    const mask = readMaskPng(readFileSync(place.path(result.masks[0]!.mask)));
    expect([mask.width, mask.height]).toEqual([64, 48]);
    readFileSync(place.path(result.masks[0]!.mask.replace(/png$/, "overlay.jpg")));
  }, 120_000);

  test("whose parameters have changed is not used", async () => {
    const rows = (await place.seedgrow("runs", "--json").ends(0)).json<{ dir: string }[]>();
    const path = place.path(rows[0]!.dir, "model/params.f32");
    const bytes = readFileSync(path);
    bytes[7]! ^= 1;
    writeFileSync(path, bytes);
    const predict = await place.seedgrow("predict", "--model", "latest", "--out", "m2", "data/val").ends(3);
    expect(predict.stderr).toContain("[DIGEST_MISMATCH]");
  });
});
