/** Where deploy/setup.sh puts what does not come with npm, and where to look for a program before that. */
import { accessSync, constants, statSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, isAbsolute, join } from "node:path";

type Env = Readonly<Record<string, string | undefined>>;

/** XDG asks that a relative path be ignored. */
export function cacheDir(env: Env): string {
  const base = env.XDG_CACHE_HOME;
  return join(base && isAbsolute(base) ? base : join(env.HOME || homedir(), ".cache"), "seedgrow");
}

/** The nats-server to start: the one named by SEEDGROW_NATS_SERVER, else on the PATH, else the one setup has fetched. */
export function findNatsServer(env: Env): string | null {
  // A name that the user gave and that does not work is not passed over in silence: null leads to BROKER_MISSING.
  if (env.SEEDGROW_NATS_SERVER) return executable(env.SEEDGROW_NATS_SERVER);
  const folders = (env.PATH ?? "").split(delimiter).filter((folder) => folder !== "");
  // Debian puts daemons into /usr/sbin, which an ordinary user's PATH lacks.
  const candidates = [...folders, "/usr/sbin", join(cacheDir(env), "nats")].map((dir) => join(dir, "nats-server"));
  return candidates.find((path) => executable(path) !== null) ?? null;
}

function executable(path: string): string | null {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile() ? path : null;
  } catch {
    return null;
  }
}
