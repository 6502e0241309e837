/**
 * The score to beat without looking at the image: a centred ellipse that carries the image's true tag. Photographers put
 * the object in the middle, so this is not a weak baseline; print it beside every result.
 */

/** Semi-axes as shares of width and height: 105 x 85 pixels at 256 x 256. */
const semiAxisX = 105 / 256;
const semiAxisY = 85 / 256;

/** Label map [height, width]. The ellipse gets the first tag; an image without tags is all background. */
export function ellipseLabels(width: number, height: number, tags: readonly number[]): Uint8Array {
  const labels = new Uint8Array(width * height);
  const tag = tags[0];
  if (tag === undefined) return labels;
  for (let y = 0; y < height; y++) {
    const v = ((y + 0.5) / height - 0.5) / semiAxisY;
    const half = semiAxisX * Math.sqrt(Math.max(0, 1 - v * v)) * width;
    const from = Math.ceil(width / 2 - half - 0.5);
    const to = Math.floor(width / 2 + half - 0.5);
    if (half > 0) labels.fill(tag, y * width + from, y * width + to + 1);
  }
  return labels;
}
