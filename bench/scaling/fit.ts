/** Least squares with factors that are not negative: a cost adds, it never gives back. Pure. */

/** Minimises the relative errors of `rows x factors` against `wanted`; factors that would be negative become 0. */
export function fitCosts(rows: readonly (readonly number[])[], wanted: readonly number[]): number[] {
  // Relative: a cost of 5 ms matters as much as one of 5 s.
  const scaled = rows.map((row, i) => row.map((term) => term / wanted[i]!));
  const count = rows[0]!.length;
  let active = Array.from({ length: count }, (_, i) => i);
  for (;;) {
    const found = solve(
      active.map((a) => active.map((b) => dot(scaled, a, b))),
      active.map((a) => scaled.reduce((sum, row) => sum + row[a]!, 0)),
    );
    const worst = active[found.indexOf(Math.min(...found))]!;
    if (Math.min(...found) >= 0) return Array.from({ length: count }, (_, i) => found[active.indexOf(i)] ?? 0);
    active = active.filter((term) => term !== worst);
  }
}

function dot(rows: readonly (readonly number[])[], a: number, b: number): number {
  return rows.reduce((sum, row) => sum + row[a]! * row[b]!, 0);
}

/** Gauss and Jordan, with pivots. */
function solve(matrix: readonly (readonly number[])[], right: readonly number[]): number[] {
  const rows = matrix.map((row, i) => [...row, right[i]!]);
  for (let column = 0; column < rows.length; column++) {
    const rest = rows.slice(column);
    const pivot = rest.reduce((best, row) => (Math.abs(row[column]!) > Math.abs(best[column]!) ? row : best));
    const at = rows.indexOf(pivot);
    [rows[column], rows[at]] = [rows[at]!, rows[column]!];
    for (const row of rows) {
      if (row === pivot) continue;
      const factor = row[column]! / pivot[column]!;
      for (let i = column; i < row.length; i++) row[i]! -= factor * pivot[i]!;
    }
  }
  return rows.map((row, i) => row.at(-1)! / row[i]!);
}
