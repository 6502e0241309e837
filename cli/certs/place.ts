import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";

/** Where the CA is kept when --dir does not say. XDG asks that a relative path be ignored. */
export function configDir(env: Readonly<Record<string, string | undefined>>): string {
  const base = env.XDG_CONFIG_HOME;
  return join(base && isAbsolute(base) ? base : join(env.HOME || homedir(), ".config"), "seedgrow", "certs");
}
