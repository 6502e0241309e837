/** A curve in one line of text. Pure. */

const bars = "▁▂▃▄▅▆▇█";

/** The mean of every `width`-th of the values, between the smallest and the largest shown; "" without values. */
export function sparkline(values: readonly number[], width: number): string {
  const columns = Math.min(width, values.length);
  const means = Array.from({ length: columns }, (_, column) => {
    const from = Math.floor((column * values.length) / columns);
    const to = Math.max(from + 1, Math.floor(((column + 1) * values.length) / columns));
    return values.slice(from, to).reduce((sum, value) => sum + value, 0) / (to - from);
  });
  const low = Math.min(...means);
  const span = Math.max(...means) - low;
  return means.map((mean) => bars[span > 0 ? Math.round(((mean - low) / span) * (bars.length - 1)) : 0]).join("");
}
