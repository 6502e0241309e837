/** Files that only their owner may read, whole or not at all. */
import { randomUUID } from "node:crypto";
import { access, rename, rm, writeFile } from "node:fs/promises";

export async function writeSecret(path: string, content: string | Uint8Array): Promise<void> {
  const draft = `${path}.${randomUUID()}`;
  try {
    await writeFile(draft, typeof content === "string" && !content.endsWith("\n") ? `${content}\n` : content, {
      mode: 0o600,
      flag: "wx",
    });
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}

export function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
