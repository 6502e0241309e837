/** What is known about a run right now: from its coordinator over the bus where that answers, else from its folder. */
import { readFile } from "node:fs/promises";
import { pingCoordinator } from "../coordinator/adapters/control.js";
import { type BusPlace, isHeld, readLive } from "../coordinator/adapters/live-run.js";
import { RunStore } from "../coordinator/adapters/run-store.js";
import { listStatuses, readStatus } from "../coordinator/adapters/status-store.js";
import { AppError } from "../shared/errors.js";
import { type Bus, connectBus, parseJson } from "../shared/net/bus.js";
import type { Role } from "../shared/net/identity.js";
import { type RunStatus, runEventRecordSchema } from "../shared/net/subjects.js";
import { certsDir, trustIn } from "../shared/net/trust.js";
import { fieldText } from "./event-text.js";

/** "killed": it says that it is running, but no coordinator works on it. */
export type ViewState = RunStatus["state"] | "killed";

export interface RunView {
  readonly runId: string;
  /** Null: not on this machine. */
  readonly dir: string | null;
  readonly state: ViewState;
  readonly reason: string;
  /** "round 2 training", or where it ended. */
  readonly phase: string;
  /** Null where the bus does not answer. */
  readonly status: RunStatus | null;
  readonly natsUrl: string | null;
}

/** A broker on this machine or in this cluster answers at once, or not at all. */
const connectTimeoutMs = 2_000;

export interface BusFlags {
  readonly certs?: string;
  readonly insecure?: boolean;
}

export function busPlace(natsUrl: string, { certs = "", insecure = false }: BusFlags): BusPlace {
  return { natsUrl, certs: certsDir(certs, process.env), isInsecure: insecure };
}

/** @param roles those whose certificate is of use for what is asked. */
export async function openBus(place: BusPlace, roles: readonly Role[] = ["coordinator", "viewer"]): Promise<Bus> {
  const { natsUrl: url, certs, isInsecure } = place;
  const trust = await trustIn(certs, roles);
  const bus = await connectBus({ url, name: "seedgrow-cli", timeoutMs: connectTimeoutMs, trust, isInsecure });
  void bus.connection.closed().then(() => trust?.revocations.close());
  return bus;
}

export async function withBus<T>(place: BusPlace, work: (bus: Bus) => Promise<T>): Promise<T> {
  const bus = await openBus(place);
  try {
    return await work(bus);
  } finally {
    await bus.connection.close();
  }
}

export async function viewOfFolder(dir: string): Promise<RunView> {
  const record = await new RunStore(dir).readRecord();
  const live = await readLive(dir);
  const status = live && (await withBus(live, (bus) => freshStatus(bus, record.runId)).catch(() => null));
  if (live && status) return { ...viewOfStatus(status, live.natsUrl), dir };
  const last = await lastEvents(dir);
  const isGone = record.state === "running" && !(await isHeld(dir));
  const reason = isGone ? `its coordinator has gone; \`seedgrow resume ${dir}\` goes on` : last.reason;
  const state = isGone ? "killed" : record.state;
  return { runId: record.runId, dir, state, reason, phase: last.phase, status: null, natsUrl: live?.natsUrl ?? null };
}

/** Of a run whose folder is elsewhere. */
export async function viewOnBus(bus: Bus, runId: string): Promise<RunView> {
  const status = await readStatus(bus, runId);
  if (!status) throw new AppError("RUN_NOT_FOUND", `${bus.url} knows no run ${runId}`);
  const view = viewOfStatus(status, bus.url);
  if (isEnded(view.state) || (await answers(bus, runId))) return view;
  return { ...view, state: "killed", reason: `no coordinator answers; last heard of at ${status.updatedAt}` };
}

/** RUN as people name it, among the runs that the bus remembers. @throws AppError RUN_NOT_FOUND */
export async function busRunId(bus: Bus, name: string): Promise<string> {
  const runIds = (await listStatuses(bus)).map(({ runId }) => runId);
  const matches = name === "latest" ? runIds.slice(-1) : runIds.filter((runId) => runId.startsWith(name));
  if (matches.length === 1) return matches[0]!;
  if (matches.includes(name)) return name;
  const found = matches.length === 0 ? "no run" : `${matches.length} runs`;
  throw new AppError("RUN_NOT_FOUND", `${found} named "${name}" on ${bus.url}`, {
    hint: `\`seedgrow status --nats ${bus.url}\` lists those that are running.`,
  });
}

function viewOfStatus(status: RunStatus, natsUrl: string): RunView {
  const { runId, state, reason, phase } = status;
  return { runId, dir: null, state, reason, phase, status, natsUrl };
}

export function isEnded(state: ViewState): boolean {
  return state === "done" || state === "failed" || state === "stopped" || state === "killed";
}

/** The bus may still hold what a coordinator said before it was killed. */
async function freshStatus(bus: Bus, runId: string): Promise<RunStatus | null> {
  return (await answers(bus, runId)) ? readStatus(bus, runId) : null;
}

async function answers(bus: Bus, runId: string): Promise<boolean> {
  return pingCoordinator(bus, runId).then(
    () => true,
    () => false,
  );
}

/** The last phase begun, and how the run ended, if it did. */
async function lastEvents(dir: string): Promise<{ phase: string; reason: string }> {
  const text = await readFile(new RunStore(dir).path("events.jsonl"), "utf8").catch(() => "");
  const last = { phase: "", reason: "" };
  for (const line of text.split("\n")) {
    const { data } = runEventRecordSchema.safeParse(parseJson(Buffer.from(line)));
    if (data?.kind === "phase-started") Object.assign(last, { phase: fieldText(data, "title"), reason: "" });
    if (data?.kind === "run-ended") last.reason = fieldText(data, "reason");
  }
  return last;
}
