/**
 * Photos of the size that cameras make: small ones, enlarged to 12 megapixels, with the noise of a sensor, since what is smooth is read
 * in far less time.
 */
import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";

/** A batch; each takes seconds to make. */
const photosMax = 8;
const size = { width: 4032, height: 3024 };
/** Makes files of 3 MB, as phones do. */
const noise = { type: "gaussian", mean: 128, sigma: 20 } as const;

/** Makes them in the folder `to`, of photos all over the folder `from`. */
export async function makeCameraPhotos(from: string, to: string): Promise<void> {
  mkdirSync(to);
  const paths = readdirSync(from, { recursive: true, encoding: "utf8" })
    .filter((path) => /\.jpe?g$/i.test(path))
    .sort();
  const step = Math.max(1, Math.floor(paths.length / photosMax));
  const chosen = paths.filter((_, i) => i % step === 0).slice(0, photosMax);
  for (const [i, path] of chosen.entries()) {
    const grain = await sharp({ create: { ...size, channels: 3, background: "grey", noise } })
      .raw()
      .toBuffer({ resolveWithObject: true });
    await sharp(join(from, path))
      .resize({ ...size, fit: "fill" })
      .composite([{ input: grain.data, raw: grain.info, blend: "soft-light" }])
      .jpeg({ quality: 90 })
      .toFile(join(to, `${i}.jpg`));
  }
}
