/** The tables of docs/SCALING.md. Pure. */
import type { Mode } from "../lib/simulated-cluster.js";
import { CostModel, isHeldOut, type Link, type Measured, type Point, sizeOf } from "./model.js";

const modes: readonly Mode[] = ["star", "sharded", "local"];
const ten: Link = { megabytesPerSecond: 1_250, roundTripMs: 0.2 };
const wide: Link = { megabytesPerSecond: 12.5, roundTripMs: 30 };
const clusters = [16, 64, 256, 1024];

export function scalingTables(measured: Measured): string {
  const model = new CostModel(measured);
  return [
    "Measured, and what the fit says of it:",
    pointTable(measured.points, model),
    "Deciding alone (measured):",
    coreTable(measured),
    "Factors, ms:",
    factorTable(model),
    "Predicted efficiency, a machine for each:",
    predictions(model),
    "Workers from which one is faster than the other (predicted):",
    crossings(model),
  ].join("\n\n");
}

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(heads), line(heads.map((_, i) => (i === 0 ? "---" : "--:"))), ...rows.map(line)].join("\n");
}

function pointTable(points: readonly Point[], model: CostModel): string {
  const alone = (point: Point) => {
    return points.find(({ mode, workers, megabytes, computeMs }) => {
      const isLike = mode === point.mode && computeMs === point.computeMs;
      return isLike && workers === 1 && megabytes === point.megabytes;
    });
  };
  const order = ({ mode, computeMs, megabytes, workers }: Point) => {
    return modes.indexOf(mode) * 1e8 + computeMs * 1e4 + megabytes * 100 + workers;
  };
  const rows = [...points]
    .sort((a, b) => order(a) - order(b))
    .map((point) => {
      const { mode, workers, megabytes, computeMs, wallMs, coordinatorCpuMs, workersCpuMs } = point;
      const one = alone(point);
      return [
        ...[
          mode,
          `${computeMs / 1_000}`,
          `${workers}`,
          `${megabytes}`,
          seconds(wallMs),
          one ? percent(one.wallMs / wallMs) : "-",
        ],
        ...[whole(coordinatorCpuMs), whole(model.coordinatorMs(mode, sizeOf(point)))],
        ...[whole(workersCpuMs / workers), whole(model.workerMs(mode, sizeOf(point))), isHeldOut(point) ? "no" : "yes"],
      ];
    });
  const cpu = ["coordinator ms", "fit", "a worker's ms", "fit", "in the fit"];
  return table(["mode", "s of computing", "workers", "MB", "s/step", "efficiency", ...cpu], rows);
}

function coreTable({ core }: Measured): string {
  const rows = core.map(({ mode, workers, cpuMs, commandBytes }) => {
    return [mode, `${workers}`, cpuMs.toFixed(1), (commandBytes / 1e6).toFixed(2)];
  });
  return table(["mode", "workers", "coordinator ms per update", "MB of commands"], rows);
}

function factorTable({ coordinator, worker, core, localStep }: CostModel): string {
  const text = (factors: readonly number[], names: readonly string[]) => {
    const told = factors.map((factor, i) => [factor, names[i]!] as const).filter(([factor]) => factor > 0);
    return told.map(([factor, name]) => `${Number(factor.toPrecision(2))}${name}`).join(" + ");
  };
  return table(
    ["what", "ms"],
    [
      ["coordinator, star, per step (local: per round)", text(coordinator.star, ["", " N", " N MB", " MB", " N s"])],
      ["coordinator, sharded, per step", text(coordinator.sharded, ["", " N", " N s"])],
      ["of it deciding, star", text(core.star, [" N", " N^2"])],
      ["of it deciding, sharded", text(core.sharded, [" N", " N^2"])],
      ["a worker, star, per step", text(worker.star, ["", " MB", " s"])],
      ["a worker, sharded, per step", text(worker.sharded, ["", " N", " MB", " MB 2(N-1)/N", " s"])],
      ["a worker, local, per step", text(localStep, [" MB"])],
    ],
  );
}

function predictions(model: CostModel): string {
  const cases = [
    { name: "10 Gbit/s, .2 ms, 14 MB", link: ten, megabytes: 14 },
    { name: "10 Gbit/s, .2 ms, 56 MB", link: ten, megabytes: 56 },
    { name: "100 Mbit/s, 30 ms, 14 MB", link: wide, megabytes: 14 },
  ];
  const rows = cases.flatMap(({ name, link, megabytes }) => {
    return [1_000, 10_000].flatMap((computeMs) => {
      return modes.map((mode) => {
        const shares = clusters.map((workers) => model.efficiency(mode, { workers, megabytes }, computeMs, link));
        return [name, `${computeMs / 1_000}`, mode, ...shares.map(percent)];
      });
    });
  });
  return table(["line", "s of computing", "mode", ...clusters.map((workers) => `${workers}`)], rows);
}

/** Of 1 s of computing. */
function crossings(model: CostModel): string {
  const rows = [
    { name: "10 Gbit/s, .2 ms", link: ten },
    { name: "100 Mbit/s, 30 ms", link: wide },
  ].flatMap(({ name, link }) => {
    return [1, 14, 56].map((megabytes) => {
      const from = (faster: Mode, slower: Mode) => {
        for (let workers = 2; workers <= 4096; workers++) {
          const ms = (mode: Mode) => model.stepMs(mode, { workers, megabytes }, 1_000, link);
          if (ms(faster) < ms(slower)) return `${workers}`;
        }
        return "never";
      };
      const pairs = [
        from("sharded", "star"),
        from("local", "sharded"),
        from("star", "sharded"),
        from("sharded", "local"),
      ];
      return [name, `${megabytes}`, ...pairs];
    });
  });
  const heads = ["sharded before star", "local before sharded", "star before sharded", "sharded before local"];
  return table(["line", "MB", ...heads], rows);
}

function percent(share: number): string {
  return `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`;
}

function seconds(ms: number): string {
  return (ms / 1_000).toFixed(2);
}

function whole(ms: number): string {
  return ms < 10 ? ms.toFixed(1) : Math.round(ms).toLocaleString("en");
}
