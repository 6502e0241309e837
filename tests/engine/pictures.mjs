/** Noise with a bright square of the tag's colour, labelled; for scripts that vitest does not load. */
export function squarePicture(tag, size) {
  const pixels = Uint8Array.from({ length: size * size * 3 }, (_, i) => 60 + ((i * 7919) % 41));
  const labels = new Uint8Array(size * size);
  for (let y = size / 4; y < (3 * size) / 4; y++) {
    for (let x = size / 4; x < (3 * size) / 4; x++) {
      pixels[(y * size + x) * 3 + tag - 1] = 240;
      labels[y * size + x] = tag;
    }
  }
  return { image: 0, pixels, tags: [tag], labels };
}
