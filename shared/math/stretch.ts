/** Nearest-neighbour resize of a label map [height, width]; pixel centres, so that equal sizes copy. */
export function stretchLabels(
  labels: Uint8Array,
  width: number,
  height: number,
  newWidth: number,
  newHeight: number,
): Uint8Array {
  const out = new Uint8Array(newWidth * newHeight);
  const columns = Uint32Array.from({ length: newWidth }, (_, x) => Math.floor(((x + 0.5) * width) / newWidth));
  for (let y = 0; y < newHeight; y++) {
    const row = Math.floor(((y + 0.5) * height) / newHeight) * width;
    for (let x = 0; x < newWidth; x++) out[y * newWidth + x] = labels[row + columns[x]!]!;
  }
  return out;
}
