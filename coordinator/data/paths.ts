/** Relative paths with forward slashes, as the indexer compares and names them. */

/** What sharp decodes. */
const readable = new Set([".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".gif", ".avif"]);
/** Photos too, which sharp as installed does not decode: reported rather than passed over. */
const unsupported = new Set([".bmp", ".heic", ".heif", ".jp2", ".jxl", ".psd", ".raw", ".cr2", ".nef", ".dng", ".arw"]);

export type FileKind = "image" | "unsupported" | "other";

export function fileKind(path: string): FileKind {
  const extension = extensionOf(path).toLowerCase();
  if (readable.has(extension)) return "image";
  return unsupported.has(extension) ? "unsupported" : "other";
}

/** ".jpg", or "" when the name has no dot (or only a leading one). */
export function extensionOf(path: string): string {
  const name = baseName(path);
  const dot = name.lastIndexOf(".");
  return dot <= 0 ? "" : name.slice(dot);
}

export function withoutExtension(path: string): string {
  return path.slice(0, path.length - extensionOf(path).length);
}

export function baseName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** The first folder of a path; null for a file that lies at the top. */
export function topFolder(path: string): string | null {
  const slash = path.indexOf("/");
  return slash < 0 ? null : path.slice(0, slash);
}

/**
 * Order of the UTF-8 bytes, which is the order of code points: the same on every machine and in every locale.
 * JavaScript's own `<` compares UTF-16 units and differs beyond U+FFFF.
 */
export function compareBytewise(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    if (a.charCodeAt(i) !== b.charCodeAt(i)) return a.codePointAt(i)! - b.codePointAt(i)!;
  }
  return a.length - b.length;
}
