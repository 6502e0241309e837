/** The machine that a table was measured on, and whether it was left alone. */
import { cpus, release, totalmem } from "node:os";
import { setTimeout as pause } from "node:timers/promises";

export function machineText(): string {
  const all = cpus();
  const gib = (totalmem() / 2 ** 30).toFixed(0);
  return `${all.length} cores of ${all[0]!.model.trim()}, ${gib} GiB, Linux ${release().replace(/^(\d+\.\d+).*/, "$1")}, Node ${process.version}`;
}

/** Share of the processor's time that somebody else has used, 0..1. */
export async function busyShare(overMs = 2_000): Promise<number> {
  const before = times();
  await pause(overMs);
  const after = times();
  return 1 - (after.idle - before.idle) / (after.all - before.all);
}

function times() {
  let [idle, all] = [0, 0];
  for (const { times: of } of cpus()) {
    idle += of.idle;
    all += of.idle + of.user + of.nice + of.sys + of.irq;
  }
  return { idle, all };
}
