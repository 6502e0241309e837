/** The full-screen view of a run: follows its source and draws what it knows, until a key closes it. */
import type { RunEventRecord } from "../../shared/net/subjects.js";
import { type Controls, initialControls, pressed } from "./controls.js";
import { FullScreen } from "./full-screen.js";
import { emptyModel, type WatchModel, withEnd, withEvent, withStatus } from "./model.js";
import { screenLines } from "./screen.js";
import type { WatchSource } from "./source.js";

const statusEveryMs = 1_000;

/** Resolves when it is closed; the run has ended or goes on. */
export async function watchFullScreen(source: WatchSource, input: NodeJS.ReadStream, output: NodeJS.WriteStream) {
  const closing = new AbortController();
  const events: RunEventRecord[] = [];
  let model = emptyModel(source.runId);
  let controls: Controls = initialControls;
  const shown = () => (controls.shown === null ? model : replayed(source.runId, events, controls.shown));
  const screen = new FullScreen({
    input,
    output,
    lines: (columns, rows) => {
      const replay = controls.shown === null ? null : { shown: controls.shown, total: events.length };
      const { scroll, focus, showsHelp } = controls;
      return screenLines(shown(), { columns, rows, nowMs: Date.now(), scroll, focus, showsHelp, replay });
    },
    onKey: (key) => {
      const { workers, troubles } = shown();
      const next = pressed(controls, key, events, { workers: workers.size, troubles: troubles.length });
      controls = next ?? controls;
      return next !== null;
    },
  });
  const update = (change: (model: WatchModel) => WatchModel) => {
    model = change(model);
    screen.changed();
  };
  screen.start();
  const terminated = () => closing.abort();
  process.once("SIGTERM", terminated);
  const asking = setInterval(() => {
    if (model.ended) return;
    source.status().then(
      (status) => update((held) => (held.ended ? held : withStatus(held, status))),
      () => update((held) => withStatus(held, null)),
    );
  }, statusEveryMs);
  try {
    const following = follow(source, closing.signal, events, update);
    const aborted = new Promise<void>((resolve) => closing.signal.addEventListener("abort", () => resolve()));
    // A source that breaks is an error; one that ends leaves its last picture standing.
    await Promise.race([screen.closed, aborted, following.then(() => screen.closed)]);
  } finally {
    process.off("SIGTERM", terminated);
    clearInterval(asking);
    closing.abort();
    screen.stop();
  }
}

async function follow(
  source: WatchSource,
  signal: AbortSignal,
  events: RunEventRecord[],
  update: (change: (model: WatchModel) => WatchModel) => void,
): Promise<void> {
  for await (const event of source.events(signal)) {
    events.push(event);
    update((model) => withEvent(model, event));
  }
  if (signal.aborted) return;
  const { state, reason } = await source.view();
  update((model) => withEnd(model, { state, reason: reason || (model.ended?.reason ?? "") }));
}

function replayed(runId: string, events: readonly RunEventRecord[], count: number): WatchModel {
  return events.slice(0, count).reduce(withEvent, emptyModel(runId));
}
