/** Runs the real program to its end and keeps what it said. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";

const launcher = fileURLToPath(new URL("../../bin/seedgrow", import.meta.url));

export interface Said {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export function seedgrow(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Said> {
  const options = { env: { ...process.env, NO_COLOR: "1", ...env } };
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [launcher, ...args], options, (_error, stdout, stderr) => {
      resolve({ code: child.exitCode, stdout, stderr });
    });
  });
}
