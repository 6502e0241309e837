/** A run to follow, wherever it is: its folder on this machine, or a bus. */
import { type BusPlace, isHeld, readLive } from "../../coordinator/adapters/live-run.js";
import { findRun, listRuns, RunStore } from "../../coordinator/adapters/run-store.js";
import { listStatuses, readStatus } from "../../coordinator/adapters/status-store.js";
import type { Bus } from "../../shared/net/bus.js";
import type { RunEventRecord, RunStatus } from "../../shared/net/subjects.js";
import { busRunId, isEnded, openBus, type RunView, viewOfFolder, viewOnBus } from "../run-view.js";
import { busEvents } from "./bus-events.js";
import { diskEvents } from "./disk-events.js";

export interface WatchSource {
  readonly runId: string;
  readonly events: (signal: AbortSignal) => AsyncIterable<RunEventRecord>;
  /** Null: nobody answers. */
  readonly status: () => Promise<RunStatus | null>;
  readonly view: () => Promise<RunView>;
  readonly close: () => Promise<void>;
}

export async function sourceOnDisk(dir: string): Promise<WatchSource> {
  const { runId } = await new RunStore(dir).readRecord();
  const line = new BusLine();
  return {
    runId,
    events: (signal) => diskEvents(dir, signal),
    view: () => viewOfFolder(dir),
    status: async () => {
      const live = (await isHeld(dir)) ? await readLive(dir) : null;
      return live && readStatus(await line.to(live), runId);
    },
    close: () => line.close(),
  };
}

export async function sourceOnBus(bus: Bus, run: string | undefined): Promise<WatchSource> {
  const runId = await pickOnBus(bus, run);
  const view = () => viewOnBus(bus, runId);
  return {
    runId,
    events: (signal) => busEvents(bus, runId, async () => isEnded((await view()).state), signal),
    view,
    status: () => readStatus(bus, runId),
    close: async () => undefined,
  };
}

export async function pickFolder(runsDir: string, run: string | undefined): Promise<string> {
  if (run !== undefined) return findRun(runsDir, run);
  for (const { dir } of await listRuns(runsDir)) if (await isHeld(dir)) return dir;
  return findRun(runsDir, "latest");
}

async function pickOnBus(bus: Bus, run: string | undefined): Promise<string> {
  if (run !== undefined) return busRunId(bus, run);
  const running = (await listStatuses(bus)).findLast(({ state }) => !isEnded(state));
  return running?.runId ?? busRunId(bus, "latest");
}

/** One connection for all questions; a resumed run has another broker. */
class BusLine {
  private held: { readonly url: string; readonly bus: Promise<Bus> } | null = null;

  async to(place: BusPlace): Promise<Bus> {
    const url = place.natsUrl;
    if (this.held?.url !== url) {
      await this.close();
      this.held = { url, bus: openBus(place) };
      this.held.bus.catch(() => {
        this.held = null;
      });
    }
    return this.held.bus;
  }

  async close(): Promise<void> {
    const bus = await this.held?.bus.catch(() => null);
    this.held = null;
    await bus?.connection.close();
  }
}
