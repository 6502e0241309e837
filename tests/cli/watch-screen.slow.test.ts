/** `seedgrow watch` as a person meets it: a real terminal, a real run, keys, another window size. */
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Seedgrow, Workplace } from "../support/seedgrow.js";
import { hasTmux, Terminal } from "../support/tmux.js";

const launcher = fileURLToPath(new URL("../../bin/seedgrow", import.meta.url));
const place = new Workplace();
const terminals: Terminal[] = [];
let training: Seedgrow;

function watching(...args: readonly string[]): Terminal {
  const terminal = new Terminal([process.execPath, launcher, "watch", ...args], place.dir, 110, 24);
  terminals.push(terminal);
  return terminal;
}

beforeAll(async () => {
  if (!hasTmux) return;
  await place.draw(8, 4);
  // Of a hundred events of a phase the second: there is a curve.
  training = place.train(["--local", "1"], { "method.classifier.steps": 5_000 });
  await place.event(training, "step", { step: 50 });
}, 120_000);
afterAll(async () => {
  for (const terminal of terminals) terminal.close();
  await place.clear();
});

describe("watch on a terminal", () => {
  test("fills the screen, follows another window size, helps, and leaves the run alone", async ({ skip }) => {
    if (!hasTmux) return skip("tmux is not installed (apt-get install tmux)");
    const terminal = watching();
    const screen = await terminal.shows(/images\/s {2}ETA/);
    expect(screen).toContain(`run ${training.runId}  running`);
    expect(screen).toMatch(/classifier {2}█*░+ \d+\/5000/);
    expect(screen).toMatch(/^worker +host +engine +gpu +images\/s +waits +memory +beat +state$/m);
    expect(screen).toMatch(/(?:tensorflow|WebAssembly) .* none .*\d+ % .*GB .*\d s +active/);
    expect(screen).toMatch(/^q quit/m);

    terminal.resize(60, 14);
    const small = await terminal.shows(/^worker +host +gpu|^worker +host +images/m);
    expect(small.trimEnd().split("\n")).toHaveLength(14);
    expect(small).not.toContain("engine");

    terminal.press("?");
    await terminal.shows(/^KEYS$/m);
    terminal.press("?");
    await terminal.shows(/^WORKERS 1$/m);

    terminal.press("C-c");
    const after = await terminal.shows(/^code 0$/m);
    expect(after).toContain("goes on without a watcher");
    expect(after).not.toContain("WORKERS");
    expect(training.child.exitCode).toBeNull();
  }, 90_000);

  test("after the end shows how it ended, and goes back through its phases", async ({ skip }) => {
    if (!hasTmux) return skip("tmux is not installed (apt-get install tmux)");
    await place.seedgrow("stop", training.runId!).ends(0);
    await training.ends(130);
    const terminal = watching("latest");
    const screen = await terminal.shows(/stopped for .*: stopped by/);
    expect(screen).toMatch(/^loss {2}[▁-█]+ {2}[\d.]+ \(from [\d.]+\)$/m);
    terminal.press("q");
    await terminal.shows(/^code 0$/m);
  }, 90_000);

  test("of a finished run replays round by round", async ({ skip }) => {
    if (!hasTmux) return skip("tmux is not installed (apt-get install tmux)");
    const finished = place.train(["--local", "1"]);
    await finished.ends(0);
    const terminal = watching(finished.runId!);
    expect(await terminal.shows(/done for/)).toMatch(/^mIoU {2}labels [▁-█]{4} \.\d+ {3}val [▁-█]{2} \.\d+$/m);
    terminal.press("Left");
    await terminal.shows(/replay [\d:]+/);
    expect(await terminal.shows(/round 2 refining/)).toMatch(/event \d+ of \d+, End: live/);
    terminal.press("End");
    await terminal.shows(/done for/);
  }, 120_000);
});
