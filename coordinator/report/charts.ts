/**
 * Line charts as static SVG (scales and paths by d3): no script, prints well, follows the page's colours through CSS.
 * Every point carries its value as a tooltip; the same numbers stand in the page's tables.
 */
import { scaleLinear } from "d3-scale";
import { line } from "d3-shape";
import { decimal } from "./format.js";
import { type Html, html } from "./html.js";

/** null: a gap. */
export type Point = readonly [x: number, y: number | null];

export interface Series {
  readonly name: string;
  readonly points: readonly Point[];
  /** 0..3: the page's series colours. */
  readonly color: number;
  /** "dots" marks every point (few points); "faint" is raw data behind a smoothed line. */
  readonly look: "dots" | "plain" | "faint" | "dashed";
}

export interface ChartSpec {
  readonly title: string;
  /** What a listener gets instead of the picture. */
  readonly summary: string;
  readonly series: readonly Series[];
  readonly xLabel: string;
  /** Named positions; null: numeric ticks. */
  readonly xTicks: readonly { readonly at: number; readonly label: string }[] | null;
  readonly yRange: readonly [low: number, high: number];
  /** Size of the drawing; the page scales it. Pixels. */
  readonly width: number;
  readonly height: number;
}

const margin = { top: 10, right: 14, bottom: 34, left: 44 };

interface Frame {
  readonly x: (value: number) => number;
  readonly y: (value: number) => number;
  readonly xTicks: readonly { readonly at: number; readonly label: string }[];
  readonly yTicks: readonly { readonly at: number; readonly label: string }[];
}

export function lineChart(spec: ChartSpec): Html {
  const frame = frameOf(spec);
  const named = spec.series.filter((series) => series.look !== "faint");
  return html`<figure class="chart">
<figcaption>${spec.title}${named.length > 1 ? legend(named) : ""}</figcaption>
<svg viewBox="0 0 ${spec.width} ${spec.height}" role="img" aria-label="${spec.summary}">
${axes(spec, frame)}
${spec.series.map((series) => drawSeries(series, frame))}
</svg>
</figure>`;
}

/** [low, high] a little beyond the values, kept within [floor, ceiling]. */
export function paddedRange(values: readonly number[], floor: number, ceiling: number): [number, number] {
  if (values.length === 0) return [floor, ceiling];
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const pad = Math.max(0.02, (high - low) * 0.12);
  return [Math.max(floor, low - pad), Math.min(ceiling, high + pad)];
}

function frameOf({ series, xTicks, yRange, width, height }: ChartSpec): Frame {
  const xs = series.flatMap(({ points }) => points.map(([x]) => x));
  const inset = xTicks ? 28 : 4;
  const [first, last] = [Math.min(...xs), Math.max(...xs)];
  const x = scaleLinear([first, last], [margin.left + inset, width - margin.right - inset]);
  const y = scaleLinear(yRange, [height - margin.bottom, margin.top]);
  return {
    x: first === last ? () => (margin.left + width - margin.right) / 2 : x,
    y,
    xTicks: xTicks ?? x.ticks(5).map((at) => ({ at, label: x.tickFormat(5)(at) })),
    yTicks: y.ticks(5).map((at) => ({ at, label: y.tickFormat(5)(at) })),
  };
}

function axes({ width, height, xLabel }: ChartSpec, { x, y, xTicks, yTicks }: Frame): Html {
  const bottom = height - margin.bottom;
  return html`<g class="axis">
${yTicks.map(({ at, label }) => {
  return html`<line x1="${margin.left}" x2="${width - margin.right}" y1="${px(y(at))}" y2="${px(y(at))}"/><text x="${margin.left - 7}" y="${px(y(at) + 4)}" text-anchor="end">${label}</text>`;
})}
${xTicks.map(({ at, label }) => html`<text x="${px(x(at))}" y="${bottom + 16}" text-anchor="middle">${label}</text>`)}
<text class="label" x="${width - margin.right}" y="${height - 3}" text-anchor="end">${xLabel}</text>
</g>`;
}

function drawSeries({ name, points, color, look }: Series, { x, y }: Frame): Html {
  const draw = line<Point>(
    (point) => x(point[0]),
    (point) => y(point[1] ?? 0),
  )
    .defined((point) => point[1] !== null)
    .digits(1);
  const dots = look === "dots" ? points.filter((point) => point[1] !== null) : [];
  return html`<g class="series s${color} ${look}"><path d="${draw(points) ?? ""}"/>${dots.map(([at, value]) => {
    return html`<circle cx="${px(x(at))}" cy="${px(y(value!))}" r="4"><title>${name}: ${decimal(value)}</title></circle>`;
  })}</g>`;
}

function legend(series: readonly Series[]): Html {
  return html`<span class="legend">${series.map(({ name, color, look }) => {
    return html`<span class="key s${color} ${look}"><i></i>${name}</span>`;
  })}</span>`;
}

function px(value: number): string {
  return value.toFixed(1);
}
