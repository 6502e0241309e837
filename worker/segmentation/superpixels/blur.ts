/** Gaussian blur of a channel-last map; the edge repeats beyond the border. */

/** Deviations on either side: beyond 4 a weight is below 1 / 2900 of the centre's (the authors' WIDTH). */
const reach = 4;

export function blur(
  map: ArrayLike<number>,
  width: number,
  height: number,
  channels: number,
  sigma: number,
): Float32Array {
  const source = Float32Array.from(map);
  if (sigma === 0) return source;
  const kernel = gaussian(sigma);
  const across = new Float32Array(source.length);
  for (let y = 0; y < height; y++) line(source, across, y * width * channels, channels, width, channels, kernel);
  const out = new Float32Array(source.length);
  for (let x = 0; x < width; x++) line(across, out, x * channels, width * channels, height, channels, kernel);
  return out;
}

/** Weights of the distances 0, 1, ...; both sides together sum to 1. */
export function gaussian(sigma: number): Float64Array {
  const half = Float64Array.from({ length: Math.ceil(reach * sigma) + 1 }, (_, d) => Math.exp(-0.5 * (d / sigma) ** 2));
  const total = 2 * half.reduce((sum, weight) => sum + weight, 0) - half[0]!;
  return half.map((weight) => weight / total);
}

/** One line of `count` cells, `stride` values apart, all channels. */
function line(
  from: Float32Array,
  to: Float32Array,
  start: number,
  stride: number,
  count: number,
  channels: number,
  kernel: Float64Array,
): void {
  for (let i = 0; i < count; i++) {
    for (let k = start; k < start + channels; k++) {
      let sum = kernel[0]! * from[k + i * stride]!;
      for (let d = 1; d < kernel.length; d++) {
        const before = Math.max(0, i - d);
        const after = Math.min(count - 1, i + d);
        sum += kernel[d]! * (from[k + before * stride]! + from[k + after * stride]!);
      }
      to[k + i * stride] = sum;
    }
  }
}
