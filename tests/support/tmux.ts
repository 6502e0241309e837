/** A terminal that a test types at, resizes and reads: tmux on a server of its own. */
import { execFileSync, spawnSync } from "node:child_process";
import { until } from "./until.js";

export const hasTmux = spawnSync("tmux", ["-V"]).status === 0;

export class Terminal {
  private static count = 0;
  private readonly server = `seedgrow-test-${process.pid}-${Terminal.count++}`;

  /** Runs `command` in a fresh window; when it ends, the window stays for a last look. */
  constructor(command: readonly string[], cwd: string, columns: number, rows: number) {
    const quoted = command.map((part) => `'${part.replaceAll("'", "'\\''")}'`).join(" ");
    const size = ["-x", String(columns), "-y", String(rows)];
    this.tmux("-f", "/dev/null", "new-session", "-d", ...size, "-c", cwd, `TERM=screen ${quoted}; echo "code $?"; cat`);
  }

  read(): string {
    return this.tmux("capture-pane", "-p");
  }

  press(...keys: readonly string[]): void {
    this.tmux("send-keys", ...keys);
  }

  resize(columns: number, rows: number): void {
    this.tmux("resize-window", "-x", String(columns), "-y", String(rows));
  }

  /** The screen, once it shows this. */
  async shows(what: RegExp): Promise<string> {
    let screen = "";
    try {
      return await until(`${what} on the screen`, () => {
        screen = this.read();
        return what.test(screen) ? screen : null;
      });
    } catch (error) {
      throw new Error(`${String(error)}\n${screen}`);
    }
  }

  close(): void {
    spawnSync("tmux", ["-L", this.server, "kill-server"]);
  }

  private tmux(...args: readonly string[]): string {
    return execFileSync("tmux", ["-L", this.server, ...args], { encoding: "utf8" });
  }
}
