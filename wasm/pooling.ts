/** Gradients of pooling, cell by cell: networks have one such layer, if any. */
import { Window } from "./window";

/** dx += dy where the largest of the window was; of equals the first. */
export function maxPoolGradient(x: usize, dx: usize, dy: usize, window: usize): void {
  const g = changetype<Window>(window);
  for (let cell = 0; cell < g.batch * g.outHeight * g.outWidth; cell++) {
    for (let c = 0; c < g.channels; c++, dy += 4) {
      let best = -1;
      for (let tap = 0; tap < g.filterHeight * g.filterWidth; tap++) {
        const at = source(g, cell, tap);
        if (at < 0) continue;
        if (best < 0 || load<f32>(x + 4 * (at + c)) > load<f32>(x + 4 * (best + c))) best = at;
      }
      if (best >= 0) addTo(dx + 4 * (best + c), load<f32>(dy));
    }
  }
}

/** dx += dy, in equal shares among the cells of the window that lie inside. */
export function meanPoolGradient(dx: usize, dy: usize, window: usize): void {
  const g = changetype<Window>(window);
  const taps = g.filterHeight * g.filterWidth;
  for (let cell = 0; cell < g.batch * g.outHeight * g.outWidth; cell++) {
    let inside = 0;
    for (let tap = 0; tap < taps; tap++) if (source(g, cell, tap) >= 0) inside++;
    const share: f32 = (1 as f32) / (inside as f32);
    for (let tap = 0; tap < taps; tap++) {
      const at = source(g, cell, tap);
      if (at < 0) continue;
      for (let c = 0; c < g.channels; c++) addTo(dx + 4 * (at + c), share * load<f32>(dy + 4 * c));
    }
    dy += 4 * g.channels;
  }
}

/** First value of the input cell that a tap of an output cell's window sees; -1: it is padding. */
function source(g: Window, cell: i32, tap: i32): i32 {
  const column = (cell % g.outWidth) * g.strideX - g.left + (tap % g.filterWidth) * g.dilationX;
  const rowOfAll = cell / g.outWidth;
  const row = (rowOfAll % g.outHeight) * g.strideY - g.top + (tap / g.filterWidth) * g.dilationY;
  if (row < 0 || row >= g.height || column < 0 || column >= g.width) return -1;
  return (((rowOfAll / g.outHeight) * g.height + row) * g.width + column) * g.channels;
}

function addTo(address: usize, value: f32): void {
  store<f32>(address, load<f32>(address) + value);
}
