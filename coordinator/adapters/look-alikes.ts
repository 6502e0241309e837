/** Fingerprints of photos on disk. */
import { readFile } from "node:fs/promises";
import pLimit from "p-limit";
import sharp from "sharp";
import { photoPixelsMax } from "../../shared/limits.js";
import {
  type Fingerprint,
  fingerprintColumns,
  fingerprintOf,
  fingerprintRows,
  isTelling,
} from "../data/fingerprint.js";

const filesAtOnce = 4;

/** Null for a photo that cannot be read, or that says nothing: one even colour. */
export async function fingerprintFiles(
  paths: readonly (string | undefined)[],
  onFile: (done: number, total: number) => void,
): Promise<(Fingerprint | null)[]> {
  const limit = pLimit(filesAtOnce);
  let done = 0;
  return Promise.all(
    paths.map((path) =>
      limit(async () => {
        const fingerprint = path === undefined ? null : await fingerprintFile(path).catch(() => null);
        onFile(++done, paths.length);
        return fingerprint;
      }),
    ),
  );
}

async function fingerprintFile(path: string): Promise<Fingerprint | null> {
  const grey = await sharp(await readFile(path), { limitInputPixels: photoPixelsMax })
    .autoOrient()
    .flatten({ background: "#808080" })
    .greyscale()
    // Area averages: a sampled pixel would change with every size.
    .resize(fingerprintColumns, fingerprintRows, { fit: "fill", kernel: "lanczos3" })
    .raw()
    .toBuffer();
  const fingerprint = fingerprintOf(grey);
  return isTelling(fingerprint) ? fingerprint : null;
}
