/**
 * One line at the bottom of a terminal that is rewritten in place, below lines that stay. A frame is one write, over
 * the old text and not after erasing it: nothing flickers. Survives resizing.
 */
import { stripVTControlCharacters } from "node:util";

/** A narrower terminal shows the beginning. */
const columnsMin = 20;

export class LiveLine {
  private text = "";
  /** Width at which the line now on the screen was drawn, columns. */
  private drawnColumns = 0;

  constructor(private readonly stream: NodeJS.WriteStream) {}

  show(text: string): void {
    this.text = text;
    this.stream.write(this.home() + this.frame());
  }

  /** A line that stays, above the live one. */
  above(line: string): void {
    this.stream.write(`${this.home()}\u001b[J${line}\n${this.frame()}`);
  }

  clear(): void {
    if (this.drawnColumns > 0) this.stream.write(`${this.home()}\u001b[J`);
    this.text = "";
  }

  /** Back to where the line begins: higher up, if a narrower window has wrapped it. */
  private home(): string {
    const rows = Math.max(1, Math.ceil(this.drawnColumns / this.columns));
    this.drawnColumns = 0;
    return rows > 1 ? `\r\u001b[${rows - 1}A` : "\r";
  }

  private frame(): string {
    if (this.text === "") return "";
    const shown = cut(this.text, this.columns - 1);
    this.drawnColumns = stripVTControlCharacters(shown).length;
    return `${shown}\u001b[J`;
  }

  private get columns(): number {
    return Math.max(columnsMin, this.stream.columns ?? 80);
  }
}

/** The first `width` columns; colours do not count, and end with the text. */
export function cut(text: string, width: number): string {
  const plain = stripVTControlCharacters(text);
  return plain.length <= width ? text : `${plain.slice(0, width - 1)}…`;
}
