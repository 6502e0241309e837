/** A table that fits its terminal: what matters least leaves first. Pure. */
import stringWidth from "string-width";

export interface Column<Row> {
  readonly title: string;
  readonly text: (row: Row) => string;
  readonly align?: "right";
  /** The higher the sooner it leaves a narrow terminal; without it: never. */
  readonly dispensable?: number;
  /** Longer text is cut, columns. */
  readonly widthMax?: number;
}

const gap = "  ";

/** Lines of plain text, the titles first; none is wider than `width`. */
export function textTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[], width: number): string[] {
  let shown = columns.map((column) => {
    const cells = [column.title, ...rows.map(column.text)].map((text) => cutPlain(text, column.widthMax ?? width));
    return { column, cells, width: Math.max(...cells.map((cell) => stringWidth(cell))) };
  });
  const total = () => shown.reduce((sum, one) => sum + one.width, gap.length * (shown.length - 1));
  while (total() > width) {
    const rank = Math.max(...shown.map(({ column }) => column.dispensable ?? 0));
    if (rank === 0) break;
    shown = shown.filter(({ column }) => (column.dispensable ?? 0) < rank);
  }
  return Array.from({ length: rows.length + 1 }, (_, row) => {
    const line = shown.map(({ column, cells, width }) => pad(cells[row]!, width, column.align === "right")).join(gap);
    return cutPlain(line.trimEnd(), width);
  });
}

function pad(text: string, width: number, isRight: boolean): string {
  const spaces = " ".repeat(Math.max(0, width - stringWidth(text)));
  return isRight ? spaces + text : text + spaces;
}

/** The first columns of a text without colours; wide characters count twice. */
export function cutPlain(text: string, width: number): string {
  if (stringWidth(text) <= width) return text;
  let kept = "";
  let used = 0;
  for (const character of text) {
    used += stringWidth(character);
    if (used > width - 1) break;
    kept += character;
  }
  return width > 0 ? `${kept}…` : "";
}
