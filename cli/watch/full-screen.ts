/** The watcher's terminal: the other screen, keys, resizing, one write per frame. What is shown is decided elsewhere. */
import { emitKeypressEvents } from "node:readline";
import ansiEscapes from "ansi-escapes";

export interface FullScreenOptions {
  readonly input: NodeJS.ReadStream;
  readonly output: NodeJS.WriteStream;
  /** Lines for a terminal of this size. */
  readonly lines: (columns: number, rows: number) => readonly string[];
  /** False: close. */
  readonly onKey: (key: string) => boolean;
}

/** Frames a second at most: enough for the eye, little for ssh. */
const frameMs = 200;
const secondMs = 1_000;

export class FullScreen {
  /** Resolves when a key has asked to close. */
  readonly closed: Promise<void>;
  private close: () => void = () => undefined;
  private timer: NodeJS.Timeout | null = null;
  private ticker: NodeJS.Timeout | null = null;

  constructor(private readonly options: FullScreenOptions) {
    this.closed = new Promise((resolve) => {
      this.close = resolve;
    });
  }

  start(): void {
    const { input, output } = this.options;
    output.write(ansiEscapes.enterAlternativeScreen + ansiEscapes.cursorHide);
    output.on("resize", this.redraw);
    emitKeypressEvents(input);
    input.on("keypress", this.onKeypress);
    if (input.isTTY) input.setRawMode(true);
    input.resume();
    // A beat's age grows while nothing happens.
    this.ticker = setInterval(() => this.draw(), secondMs);
    this.draw();
  }

  /** The terminal as it was before. */
  stop(): void {
    const { input, output } = this.options;
    if (this.timer) clearTimeout(this.timer);
    if (this.ticker) clearInterval(this.ticker);
    output.off("resize", this.redraw);
    input.off("keypress", this.onKeypress);
    if (input.isTTY) input.setRawMode(false);
    input.pause();
    output.write(ansiEscapes.cursorShow + ansiEscapes.exitAlternativeScreen);
  }

  /** Something has changed: draws soon, once for all that changes until then. */
  changed(): void {
    this.timer ??= setTimeout(() => this.draw(), frameMs);
  }

  private readonly redraw = (): void => {
    this.draw(ansiEscapes.clearScreen);
  };

  private readonly onKeypress = (text: string | undefined, key: { name?: string; ctrl?: boolean }): void => {
    // In raw mode Ctrl-C is a key: it never reaches the run.
    if ((key.ctrl && key.name === "c") || !this.options.onKey(key.name ?? text ?? "")) this.close();
    else this.draw();
  };

  private draw(before = ""): void {
    if (this.timer) clearTimeout(this.timer);
    this.timer = null;
    const { output, lines } = this.options;
    const rows = lines(output.columns ?? 80, output.rows ?? 24);
    const frame = rows.map((line) => line + ansiEscapes.eraseEndLine).join("\r\n");
    output.write(before + ansiEscapes.cursorTo(0, 0) + frame + ansiEscapes.eraseDown);
  }
}
