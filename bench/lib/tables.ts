/** Results as tables: markdown for docs/BENCHMARKS.md, where they stand between two markers, and the terminal. Pure. */
import { type Group, groups, median, type RowResult, timeRatio } from "./row.js";

export const markers = { begin: "<!-- npm run bench: begin -->", end: "<!-- npm run bench: end -->" } as const;

/** The document with what stands between the markers replaced. */
export function withGenerated(document: string, generated: string): string {
  const [from, to] = [document.indexOf(markers.begin), document.indexOf(markers.end)];
  if (from < 0 || to < from) throw new Error(`the document lacks ${markers.begin} ... ${markers.end}`);
  return `${document.slice(0, from + markers.begin.length)}\n${generated.trim()}\n${document.slice(to)}`;
}

export interface Circumstances {
  readonly date: string;
  readonly machine: string;
  readonly rounds: number;
  readonly command: string;
  /** Rows that were not measured, with the reason. */
  readonly skipped: readonly string[];
}

export function markdown(results: readonly RowResult[], about: Circumstances): string {
  const { date, machine, rounds, command, skipped } = about;
  const intro = `Measured ${date} by \`${command}\` on ${machine}. Medians of ${rounds} rounds.`;
  const tables = (Object.keys(groups) as Group[]).flatMap((group) => {
    const own = results.filter(({ row }) => row.group === group);
    return own.length === 0 ? [] : [`### ${groups[group]}`, table(own)];
  });
  const versions = [...new Set(results.flatMap(({ ours, theirs }) => [ours.version, theirs.version]))];
  const notes = [`Versions: ${versions.join("; ")}.`, ...skipped.map((reason) => `Not measured: ${reason}.`)];
  return [intro, ...tables, ...notes].join("\n\n");
}

function table(results: readonly RowResult[]): string {
  const head = [
    "work",
    "`--only`",
    "peer",
    "unit",
    "ours",
    "peer's",
    "time, ours / peer",
    "aim",
    "MB, ours",
    "MB, peer",
  ];
  const align = ["---", "---", "---", "---", "--:", "--:", "--:", "--:", "--:", "--:"];
  return [head, align, ...results.map((one) => cells(one, results))]
    .map((line) => `| ${line.join(" | ")} |`)
    .join("\n");
}

function cells(result: RowResult, others: readonly RowResult[]): string[] {
  const { row, ours, theirs } = result;
  const ratio = timeRatio(ours.rates, theirs.rates);
  const bar = barOf(result, others);
  const reached = ratio.median <= bar;
  return [
    row.work,
    row.name,
    row.peer,
    row.unit,
    number(median(ours.rates)),
    number(median(theirs.rates)),
    `**${ratio.median.toFixed(2)}** (${ratio.low.toFixed(2)} to ${ratio.high.toFixed(2)})`,
    `≤ ${bar.toFixed(2)}${reached ? "" : ", missed"}`,
    mega(ours.peakBytes),
    mega(theirs.peakBytes),
  ];
}

/** Of two peers at the same work `row.bar` is for the faster; the slower is not to be faster than ours. */
function barOf(result: RowResult, others: readonly RowResult[]): number {
  const { row } = result;
  if (row.twin === undefined) return row.bar;
  const twin = others.find((other) => other.row.name === row.twin);
  const isFaster = twin !== undefined && medianRatio(result) > medianRatio(twin);
  return isFaster ? row.bar : 1;
}

function medianRatio({ ours, theirs }: RowResult): number {
  return timeRatio(ours.rates, theirs.rates).median;
}

/** One line for the terminal; `others`: what was measured before. */
export function line(result: RowResult, others: readonly RowResult[]): string {
  const [, name, peer, unit, mine, peers, ratio, bar, myMb, peersMb] = cells(result, others);
  return `${name}: ${mine} against ${peers} ${unit} (${peer}), time ${ratio!.replaceAll("*", "")}, aim ${bar}, ${myMb} against ${peersMb} MB`;
}

export function number(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString("en") : value.toPrecision(3);
}

function mega(bytes: number): string {
  return bytes > 0 ? Math.round(bytes / 1e6).toLocaleString("en") : "-";
}
