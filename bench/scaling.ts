/**
 * How training scales with workers: measures on this machine, fits a cost model to it and says what it predicts.
 *
 *   node dist/bench/scaling.js                  the tables of docs/SCALING.md, from what was measured last
 *   node dist/bench/scaling.js --measure        measures anew (half an hour on two cores), into bench/scaling/measured.json
 *   node dist/bench/scaling.js --measure --only 1,4
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { coreCost } from "./lib/core-steps.js";
import { busyShare } from "./lib/machine.js";
import { type ClusterWork, type Mode, SimulatedCluster } from "./lib/simulated-cluster.js";
import type { CorePoint, Measured, Point } from "./scaling/model.js";
import { scalingTables } from "./scaling/tables.js";

const path = fileURLToPath(new URL("../../bench/scaling/measured.json", import.meta.url));
const modes: readonly Mode[] = ["star", "sharded", "local"];
const megabyte = 250_000;
const photoMs = 1_000;
/** Short steps tell what an exchange costs from what the clock costs; of local ones there is no other kind. */
const [longMs, shortMs] = [10_000, 2_000];
const shortWorkers = [1, 4, 16];
/** Workers and MB of parameters. */
const grid: readonly (readonly [number, number])[] = [
  ...[1, 2, 4, 8, 16, 32].map((workers) => [workers, 14] as const),
  ...[1, 56].map((megabytes) => [16, megabytes] as const),
  // Without it, what a worker costs could not be told from what it moves.
  [1, 1],
];
const coreWorkers = [16, 64, 256, 1024];

const { values: flags } = parseArgs({
  options: {
    measure: { type: "boolean", default: false },
    only: { type: "string" },
    core: { type: "boolean", default: false },
  },
});
if (flags.measure) await measureAll();
if (flags.measure || flags.core) measureCore();
process.stdout.write(`${scalingTables(read())}\n`);

function read(): Measured {
  if (!existsSync(path)) return { machine: "", points: [], core: [] };
  return JSON.parse(readFileSync(path, "utf8")) as Measured;
}

function write(measured: Measured): void {
  writeFileSync(path, `${JSON.stringify(measured, null, 1)}\n`);
}

async function measureAll(): Promise<void> {
  const only = flags.only?.split(",").map(Number);
  for (const [workers, megabytes] of grid.filter(([count]) => only?.includes(count) ?? true)) {
    const works = modes.flatMap((mode) => worksOf(workers, megabytes, mode));
    const cluster = await SimulatedCluster.start(works[0]!);
    try {
      for (const work of works) keep(await measured(cluster, work, megabytes));
    } finally {
      await cluster.stop();
    }
  }
}

function worksOf(workers: number, megabytes: number, mode: Mode): ClusterWork[] {
  const isLocal = mode === "local";
  const hasShort = !isLocal && megabytes === 14 && shortWorkers.includes(workers);
  const stepsMs = isLocal ? [photoMs] : [longMs, ...(hasShort ? [shortMs] : [])];
  return stepsMs.map((stepMs) => ({
    ...{ workers, photoMs, jitter: 0, mode },
    photos: stepMs / photoMs,
    parameters: megabytes * megabyte,
    firstUpdates: 3,
    updates: isLocal ? 2 : 3,
  }));
}

async function measured(cluster: SimulatedCluster, work: ClusterWork, megabytes: number): Promise<Point> {
  const busyBefore = await busyShare();
  const cost = await cluster.measure(work);
  const { workers, mode, photoMs, photos } = work;
  const point = { workers, megabytes, mode, computeMs: photoMs * photos, ...cost, busyBefore, load: loadavg()[0]! };
  process.stderr.write(`${JSON.stringify(point)}\n`);
  return point;
}

/** In place of an older one of the same. */
function keep(point: Point): void {
  const before = read();
  const others = before.points.filter(({ workers, megabytes, mode, computeMs }) => {
    const isLike = mode === point.mode && computeMs === point.computeMs;
    return !isLike || workers !== point.workers || megabytes !== point.megabytes;
  });
  const machine = `${cpus().length} cores of ${cpus()[0]!.model}, Node ${process.version}`;
  write({ ...before, machine, points: [...others, point] });
}

function measureCore(): void {
  const core = modes.flatMap((mode) => {
    return coreWorkers.map((workers): CorePoint => {
      return { workers, mode, ...coreCost(workers, mode, workers >= 256 ? 2 : 8) };
    });
  });
  write({ ...read(), core });
}
