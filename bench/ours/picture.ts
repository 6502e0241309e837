/** One algorithm on one drawn photo: superpixels, or the refinement of a mask. */
import { readFileSync } from "node:fs";
import { methodConfigSchema } from "../../shared/config/method.js";
import { affinityOf, pamr } from "../../worker/segmentation/pamr.js";
import { felzenszwalb } from "../../worker/segmentation/superpixels/felzenszwalb.js";
import { slic } from "../../worker/segmentation/superpixels/slic.js";
import { answer, givenWork } from "../lib/answer.js";

export interface PictureWork {
  readonly algorithm: "slic" | "felzenszwalb" | "pamr";
  /** File of RGB bytes, [size, size, 3]. */
  readonly photo: string;
  readonly size: number;
}

const { algorithm, photo, size } = givenWork<PictureWork>();
const rgb = new Uint8Array(readFileSync(photo));
const { superpixels, pamr: pamrConfig } = methodConfigSchema.parse({});
const map = Float32Array.from({ length: size * size * 3 }, (_, i) => ((i * 7919) % 251) / 251);
const units = {
  slic: () => slic(rgb, size, size, superpixels),
  felzenszwalb: () => {
    const { sigma, k, minShare } = superpixels;
    return felzenszwalb(rgb, size, size, { sigma, k, minSize: Math.round(minShare * size * size) });
  },
  pamr: () => pamr(map, 3, affinityOf(Float32Array.from(rgb), size, pamrConfig.dilations), 10),
} as const;
await answer(`Node ${process.version}`, () => {
  units[algorithm]();
  return 1;
});
