/** `seedgrow stop`: asks a run's coordinator to end in order, and waits until it has. */
import { setTimeout as sleep } from "node:timers/promises";
import { Command } from "commander";
import { askCoordinator } from "../../coordinator/adapters/control.js";
import { isHeld, readLive } from "../../coordinator/adapters/live-run.js";
import { findRun } from "../../coordinator/adapters/run-store.js";
import { AppError } from "../../shared/errors.js";
import type { Bus } from "../../shared/net/bus.js";
import { defaultRunsDir, withBusFlags } from "../options.js";
import { note, out, outJson } from "../output.js";
import {
  type BusFlags,
  busPlace,
  busRunId,
  isEnded,
  type RunView,
  viewOfFolder,
  viewOnBus,
  withBus,
} from "../run-view.js";

/** Work under way may take minutes to answer; nobody waits longer than this for a prompt. */
const waitMaxMs = 120_000;
const pollMs = 200;

interface StopFlags extends BusFlags {
  readonly runs: string;
  readonly nats?: string;
  readonly json?: boolean;
}

export function stopCommand(): Command {
  return withBusFlags(new Command("stop"))
    .description("stop a run in order; `seedgrow resume` goes on from its last finished phase")
    .argument("<run>", 'id, start of an id, folder, or "latest"')
    .option("--runs <dir>", "folder of runs", defaultRunsDir)
    .option("--nats <url>", "ask on this bus: for a run whose folder is on another machine")
    .option("--json", "print how it ended as one line of JSON")
    .addHelpText(
      "after",
      `
Examples:
  $ seedgrow stop latest
  $ seedgrow stop 20260101-1200 --nats tls://head:4222`,
    )
    .action(async (run: string, flags: StopFlags) => {
      const { nats } = flags;
      const view = nats
        ? await withBus(busPlace(nats, flags), (bus) => stopOnBus(bus, run))
        : await stopFolder(flags.runs, run);
      if (flags.json) outJson({ runId: view.runId, state: view.state, reason: view.reason });
      else out(`run ${view.runId} is ${view.state}${view.reason ? `: ${view.reason}` : ""}`);
      if (view.state === "stopped" && !flags.json) out(`go on with: seedgrow resume ${view.dir ?? view.runId}`);
    });
}

async function stopFolder(runsDir: string, run: string): Promise<RunView> {
  const dir = await findRun(runsDir, run);
  const view = await viewOfFolder(dir);
  if (isEnded(view.state)) throw notRunning(view);
  const live = await readLive(dir);
  if (!live) {
    throw new AppError("RUN_BUSY", `run ${view.runId} is just starting or ending`, {
      hint: "Try again in a few seconds: `seedgrow status` shows where it stands.",
    });
  }
  await withBus(live, (bus) => askCoordinator(bus, view.runId, { op: "stop" }));
  note("asked; waiting until it has stopped");
  await until(async () => !(await isHeld(dir)), view.runId);
  return viewOfFolder(dir);
}

async function stopOnBus(bus: Bus, run: string): Promise<RunView> {
  const runId = await busRunId(bus, run);
  const view = await viewOnBus(bus, runId);
  if (isEnded(view.state)) throw notRunning(view);
  await askCoordinator(bus, runId, { op: "stop" });
  note("asked; waiting until it has stopped");
  await until(async () => isEnded((await viewOnBus(bus, runId)).state), runId);
  return viewOnBus(bus, runId);
}

function notRunning({ runId, state, dir }: RunView): AppError {
  return new AppError("RUN_NOT_FOUND", `run ${runId} is not running: it is ${state}`, {
    hint: state === "done" ? "There is nothing to stop." : `\`seedgrow resume ${dir ?? runId}\` goes on with it.`,
  });
}

async function until(isOver: () => Promise<boolean>, runId: string): Promise<void> {
  for (const deadlineMs = performance.now() + waitMaxMs; performance.now() < deadlineMs; await sleep(pollMs)) {
    if (await isOver()) return;
  }
  throw new AppError("RUN_BUSY", `run ${runId} has heard, but is still finishing after ${waitMaxMs / 1000} s`, {
    hint: "`seedgrow status` shows when it has stopped.",
  });
}
