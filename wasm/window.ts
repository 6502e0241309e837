/** Where a filter looks. The fields' order is that of `windowFields` in worker/wasm/window.ts. */
@unmanaged
export class Window {
  batch: i32;
  height: i32;
  width: i32;
  channels: i32;
  outHeight: i32;
  outWidth: i32;
  outChannels: i32;
  filterHeight: i32;
  filterWidth: i32;
  strideY: i32;
  strideX: i32;
  dilationY: i32;
  dilationX: i32;
  /** Padding, cells. */
  top: i32;
  left: i32;
}

/** First output column whose tap lies inside: column * stride + offset >= 0. */
export function firstInside(offset: i32, stride: i32): i32 {
  return offset >= 0 ? 0 : (stride - 1 - offset) / stride;
}

/** One past the last output column whose tap lies inside. */
export function endInside(offset: i32, stride: i32, width: i32, outWidth: i32): i32 {
  const last = width - 1 - offset;
  return last < 0 ? 0 : min(outWidth, last / stride + 1);
}

/** Row of the input that a row of the filter sees from a row of the output; -1: padding. */
export function rowSeen(g: Window, outRow: i32, kh: i32): i32 {
  const row = outRow * g.strideY - g.top + kh * g.dilationY;
  return row >= 0 && row < g.height ? row : -1;
}

/** Row of the output from which a row of the filter sees a row of the input; -1: none. */
export function rowSeeing(g: Window, row: i32, kh: i32): i32 {
  const from = row + g.top - kh * g.dilationY;
  return from >= 0 && from % g.strideY === 0 && from / g.strideY < g.outHeight ? from / g.strideY : -1;
}
