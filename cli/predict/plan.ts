/** Where each mask goes. Decided for all photos before the first is computed, so that nothing is overwritten. Pure. */
import { join, resolve } from "node:path";
import { withoutExtension } from "../../coordinator/data/paths.js";
import { AppError } from "../../shared/errors.js";
import type { InputImage } from "./inputs.js";

export interface PlannedImage extends InputImage {
  readonly maskPath: string;
  readonly overlayPath: string | null;
}

/** Clashes named one by one; the rest is a count. */
const clashesShownMax = 10;

/** @throws AppError USAGE when two photos would share a mask, or a mask would replace a photo. */
export function planOutputs(
  images: readonly InputImage[],
  options: { readonly outDir: string; readonly overlay: boolean },
): PlannedImage[] {
  const planned = images.map((image) => {
    const stem = join(options.outDir, withoutExtension(image.name));
    return { ...image, maskPath: `${stem}.png`, overlayPath: options.overlay ? `${stem}.overlay.jpg` : null };
  });
  const clashes = clashesOf(planned);
  if (clashes.length === 0) return planned;
  const shown = clashes.slice(0, clashesShownMax).join("\n  ");
  throw new AppError("USAGE", `${clashes.length} name(s) clash; nothing was computed:\n  ${shown}`, {
    hint: "Write to another --out, or name their common folder: masks keep the paths below a folder.",
  });
}

function clashesOf(planned: readonly PlannedImage[]): string[] {
  const photos = new Set(planned.map(({ path }) => resolve(path)));
  const owners = new Map<string, string>();
  const clashes: string[] = [];
  for (const { path, maskPath, overlayPath } of planned) {
    for (const output of [maskPath, ...(overlayPath === null ? [] : [overlayPath])]) {
      const key = resolve(output);
      const owner = owners.get(key);
      if (owner !== undefined) clashes.push(`${owner} and ${path} would both write ${output}`);
      else if (photos.has(key)) clashes.push(`the output of ${path} would overwrite the photo ${output}`);
      owners.set(key, path);
    }
  }
  return clashes;
}
