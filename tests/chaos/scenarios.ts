/** Does to a running cluster what a case says, and measures how long it takes to be noticed and to go on. */
import { setTimeout as pause } from "node:timers/promises";
import type { RunEventRecord } from "../../shared/net/subjects.js";
import { kill } from "../support/processes.js";
import type { CrashStep, LinkCase, ProcessCase, SickCase } from "./cases.js";
import type { Cluster, WorkerHost } from "./cluster.js";
import type { LinkProxy } from "./proxy.js";

export interface Outcome {
  /** From the fault to the event that names it, milliseconds; null: nothing had to be noticed. */
  readonly noticedMs: number | null;
  /** What the run said. */
  readonly said: string;
  /** From the repair (a process is started again, a link is mended) to taking part again; null: not lost, or not needed any more. */
  readonly resumedMs: number | null;
  readonly weights: string;
}

/** Longer than a lease: whoever waits this long has been freed. */
const longerThanLeaseMs = 20_000;

export async function hurtProcess(cluster: Cluster, { process, fault, phase }: ProcessCase): Promise<Outcome> {
  await cluster.train();
  await cluster.phase(phase);
  switch (process) {
    case "worker":
      return fault === "kill" ? killWorker(cluster) : fault === "drain" ? drainWorker(cluster) : freezeWorker(cluster);
    case "coordinator":
      return fault === "replace" ? replaceCoordinator(cluster) : freezeCoordinator(cluster);
    case "broker":
      return hurtBroker(cluster, fault);
  }
}

const lost = (worker: WorkerHost) => (record: RunEventRecord) =>
  record.kind === "worker-lost" && record.workerId === worker.id;
const joined = (worker?: WorkerHost) => (record: RunEventRecord) =>
  record.kind === "worker-joined" && (worker === undefined || record.workerId === worker.id);

/** Milliseconds from `fromMs` to the event; null when the run ended without it. */
async function timeTo(
  cluster: Cluster,
  what: string,
  fromMs: number,
  fits: (record: RunEventRecord) => boolean,
): Promise<{ ms: number; record: RunEventRecord } | null> {
  const record = await cluster.event(what, fromMs, fits).catch((error: unknown) => {
    if (cluster.coordinator.child.exitCode === 0) return cluster.events(fromMs).find(fits) ?? null;
    throw error;
  });
  return record && { ms: Date.parse(record.at) - fromMs, record };
}

function lossText({ record }: { record: RunEventRecord }): string {
  return `${record.reason}; ${record.lostUnits} unit(s) redone`;
}

async function killWorker(cluster: Cluster): Promise<Outcome> {
  const worker = cluster.workers[0]!;
  const atMs = Date.now();
  kill(worker.pid);
  const noticed = await timeTo(cluster, "the loss", atMs, lost(worker));
  await cluster.restartWorker(worker);
  const back = await timeTo(cluster, "its return", worker.startedAtMs, joined(worker));
  return {
    noticedMs: noticed?.ms ?? null,
    said: noticed ? lossText(noticed) : "had nothing in hand",
    resumedMs: back?.ms ?? null,
    weights: await cluster.weights(),
  };
}

async function freezeWorker(cluster: Cluster): Promise<Outcome> {
  const worker = cluster.workers[0]!;
  const atMs = Date.now();
  kill(worker.pid, "SIGSTOP");
  const noticed = await timeTo(cluster, "the loss", atMs, lost(worker));
  kill(worker.pid, "SIGCONT");
  const back = await timeTo(cluster, "its return", Date.now(), joined(worker));
  return {
    noticedMs: noticed?.ms ?? null,
    said: noticed ? lossText(noticed) : "others did its work; the run ended first",
    resumedMs: back?.ms ?? null,
    weights: await cluster.weights(),
  };
}

async function drainWorker(cluster: Cluster): Promise<Outcome> {
  const worker = cluster.workers[0]!;
  const atMs = Date.now();
  kill(worker.pid, "SIGTERM");
  const drained = await timeTo(cluster, "the farewell", atMs, (record) => record.kind === "worker-drained");
  const { code } = await worker.exited;
  const losses = cluster.events(atMs).filter(({ kind }) => kind === "worker-lost").length;
  if (code !== 0 || losses > 0) throw new Error(`the drained worker exited with ${code}, ${losses} losses`);
  worker.restart();
  const back = await timeTo(cluster, "its return", worker.startedAtMs, joined(worker));
  return {
    noticedMs: drained?.ms ?? null,
    said: "finished its piece, exit 0; nothing redone",
    resumedMs: back?.ms ?? null,
    weights: await cluster.weights(),
  };
}

async function freezeCoordinator(cluster: Cluster): Promise<Outcome> {
  const { pid } = cluster.coordinator;
  const [worker] = cluster.workers;
  const atMs = Date.now();
  kill(pid, "SIGSTOP");
  await pause(longerThanLeaseMs);
  const wokenAtMs = Date.now();
  kill(pid, "SIGCONT");
  const freed = /"time":(\d+)[^\n]*fell silent/.exec(worker!.said);
  const back = await timeTo(cluster, "work", wokenAtMs, joined());
  return {
    noticedMs: freed ? Number(freed[1]) - atMs : null,
    said: "the workers free themselves, and are taken again",
    resumedMs: back?.ms ?? null,
    weights: await cluster.weights(),
  };
}

async function replaceCoordinator(cluster: Cluster): Promise<Outcome> {
  const first = cluster.coordinator;
  kill(first.pid, "SIGSTOP");
  cluster.forgetLock();
  const startedAtMs = Date.now();
  const second = cluster.resume();
  const taken = await timeTo(cluster, "the second to take the workers", startedAtMs, joined());
  const wokenAtMs = Date.now();
  kill(first.pid, "SIGCONT");
  const { code } = await first.exited;
  const endedMs = Date.now() - wokenAtMs;
  if (code !== 5 || !first.stderr.includes("[LEASE_LOST]")) {
    throw new Error(`the first coordinator ended with ${code}:\n${first.stderr}`);
  }
  const said = /\[LEASE_LOST\] ([^\n]*)/.exec(first.stderr)![1]!;
  cluster.coordinator = second;
  return {
    noticedMs: endedMs,
    said: `the first, once awake, ends: ${said}`,
    resumedMs: taken?.ms ?? null,
    weights: await cluster.weights(),
  };
}

async function hurtBroker(cluster: Cluster, fault: ProcessCase["fault"]): Promise<Outcome> {
  const atMs = Date.now();
  await cluster.broker.kill();
  if (fault === "lose data") cluster.broker.forget();
  if (fault === "away") await pause(longerThanLeaseMs);
  await cluster.broker.start();
  const weights = await cluster.weights();
  const losses = cluster.events(atMs).filter(({ kind }) => kind === "worker-lost").length;
  const said = losses === 0 ? "work went on over gRPC, nobody lost" : `${losses} times a worker lost`;
  return { noticedMs: null, said, resumedMs: null, weights };
}

/** One row per crash; every resumed coordinator finds the workers where the last one left them. */
export async function crashAgainAndAgain(
  cluster: Cluster,
  steps: readonly CrashStep[],
  onCrash: (step: CrashStep, outcome: Omit<Outcome, "weights">) => void,
): Promise<string> {
  let [previous, ...rest] = steps;
  await cluster.train(previous);
  for (const next of [...rest, undefined]) {
    const { signal } = await cluster.coordinator.exited;
    if (signal !== "SIGKILL")
      throw new Error(`crash point ${previous!.file} was not reached:\n${cluster.coordinator.stderr}`);
    const startedAtMs = Date.now();
    cluster.resume(next);
    const back = await cluster.event("work", startedAtMs, joined()).catch(() => null);
    const damaged = cluster.events(startedAtMs).find(({ kind }) => kind === "checkpoint-damaged");
    if (previous!.when === "torn" && previous!.file.endsWith(".ckpt") && !damaged) {
      throw new Error(`nobody noticed that ${previous!.file} is torn`);
    }
    const continued = cluster.events(startedAtMs).find(({ kind }) => kind === "phase-continued");
    onCrash(previous!, {
      noticedMs: null,
      said: describeCrash(previous!, damaged, continued),
      resumedMs: back ? Date.parse(back.at) - startedAtMs : null,
    });
    previous = next;
  }
  return cluster.weights();
}

function describeCrash({ when, file }: CrashStep, damaged?: RunEventRecord, continued?: RunEventRecord): string {
  const said = [`killed ${when === "torn" ? `with half of ${file} in place` : `${when} ${file} was in place`}`];
  if (damaged) said.push(`${damaged.name} is damaged: the one before it is used`);
  if (continued) said.push(`${continued.done} of ${continued.total} shards were accepted before`);
  return said.join("; ");
}

export async function hurtLinks(cluster: Cluster, { phase, link, state, forMs }: LinkCase): Promise<Outcome> {
  await cluster.train();
  await cluster.phase(phase);
  const atMs = Date.now();
  const links = proxiesOf(cluster, link);
  for (const proxy of links) proxy.set(state);
  if (forMs !== null) await pause(forMs);
  const mendedAtMs = Date.now();
  if (forMs !== null) for (const proxy of links) proxy.set({});
  const weights = await cluster.weights();
  const losses = cluster.events(atMs).filter(({ kind }) => kind === "worker-lost");
  const back = losses.length > 0 ? cluster.events(mendedAtMs).find(joined()) : undefined;
  return {
    noticedMs: losses[0] ? Date.parse(losses[0].at) - atMs : null,
    said: losses[0] ? `${losses.length} losses, the first: ${losses[0].reason}` : "nobody lost",
    resumedMs: back ? Date.parse(back.at) - mendedAtMs : null,
    weights,
  };
}

/** "commands" and "worker bus" of the first worker alone: the other one goes on. */
function proxiesOf({ links, workers }: Cluster, name: LinkCase["link"]): LinkProxy[] {
  const [first] = workers;
  switch (name) {
    case "commands":
      return [first!.links!.commands];
    case "worker bus":
      return [first!.links!.bus];
    case "blobs":
      return [links!.blobs];
    case "coordinator bus":
      return [links!.bus];
    case "all":
      return [links!.blobs, links!.bus, ...workers.flatMap((worker) => [worker.links!.commands, worker.links!.bus])];
  }
}

export async function sufferSickness(cluster: Cluster, { fault, noticed }: SickCase): Promise<Outcome> {
  await cluster.train();
  const round = /\d+$/.exec(fault)![0];
  const { at } = await cluster.phase(`train-${round}`);
  const fromMs = Date.parse(at);
  const seen = noticed === "" ? null : await cluster.event(noticed, fromMs, (record) => record.kind === noticed);
  const weights = await cluster.weights();
  return {
    noticedMs: seen ? Date.parse(seen.at) - fromMs : null,
    said: seen ? `${seen.kind}: ${seen.reason}` : "an idle worker repeats its pieces",
    resumedMs: null,
    weights,
  };
}
