/** Files on disk, and errors of ours: what tests of imports share. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { expect } from "vitest";
import { AppError } from "../../shared/errors.js";

/** Writes a file, folders included. Returns its path. */
export function putFile(path: string, content: string | Uint8Array): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  return path;
}

/** What the work fails with; it must be an error of ours. */
export async function errorOf(work: Promise<unknown>): Promise<AppError> {
  const thrown: unknown = await work.catch((error: unknown) => error);
  expect(thrown).toBeInstanceOf(AppError);
  return thrown as AppError;
}
