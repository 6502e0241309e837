/** Which photos `seedgrow predict` was given: files as they are, folders walked. */
import { readdir, stat } from "node:fs/promises";
import { basename, join, relative, resolve, sep } from "node:path";
import { compareBytewise, fileKind } from "../../coordinator/data/paths.js";
import { AppError } from "../../shared/errors.js";

export interface InputImage {
  /** Where it lies. */
  readonly path: string;
  /** Its name for the outputs, with forward slashes: below the walked folder, or the file's own. */
  readonly name: string;
}

export interface Inputs {
  readonly images: readonly InputImage[];
  /** Photos of a format that cannot be read. */
  readonly unsupported: readonly string[];
}

/** `outDir` inside a walked folder is passed over: it holds the masks of an earlier call. */
export async function findInputs(paths: readonly string[], outDir: string): Promise<Inputs> {
  const found = (await Promise.all(paths.map((path) => inputsOf(path, outDir)))).flat();
  const unique = [...new Map(found.map((image) => [resolve(image.path), image])).values()];
  const images = unique.filter(({ path }) => fileKind(path) !== "unsupported");
  const unsupported = unique.filter(({ path }) => fileKind(path) === "unsupported").map(({ path }) => path);
  if (images.length > 0) return { images, unsupported };
  throw new AppError("DATA_EMPTY", `no photo in ${paths.join(", ")}`, {
    hint: "Name photos, or folders with JPEG, PNG, WebP, TIFF, GIF or AVIF files in them.",
  });
}

async function inputsOf(path: string, outDir: string): Promise<InputImage[]> {
  const info = await stat(path).catch((cause: unknown) => {
    throw new AppError("DATA_NOT_FOUND", `there is no ${path}`, { cause });
  });
  return info.isDirectory() ? walk(path, resolve(outDir)) : [{ path, name: basename(path) }];
}

async function walk(dir: string, outDir: string): Promise<InputImage[]> {
  const isOutBelow = outDir.startsWith(resolve(dir) + sep);
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !isOutBelow || !resolve(path).startsWith(outDir + sep))
    .map((path) => ({ path, name: relative(dir, path).split(sep).join("/") }))
    .filter(({ name }) => fileKind(name) !== "other" && !name.split("/").some((part) => part.startsWith(".")))
    .sort((a, b) => compareBytewise(a.name, b.name));
}
