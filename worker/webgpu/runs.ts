/** What goes over the bus in pieces, so that the GPU computes meanwhile: each piece is a copy, a wait and a buffer of its own. */
export const pieceBytesMin = 8 * 2 ** 20;

/** The items in order, in runs that have so many bytes each, but for the last. */
export function runsOf<T>(items: readonly T[], bytesOf: (item: T) => number, bytesMin = pieceBytesMin): T[][] {
  const runs: T[][] = [];
  let bytes = bytesMin;
  for (const item of items) {
    if (bytes >= bytesMin) {
      runs.push([]);
      bytes = 0;
    }
    runs.at(-1)!.push(item);
    bytes += bytesOf(item);
  }
  return runs;
}
