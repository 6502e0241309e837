/** Colours that lands are made of. `savanna` is what simple scenes are drawn with; `anywhere` adds less kindly places. */
import type { Rgb } from "./canvas.js";

export interface GroundKind {
  readonly ground: readonly [Rgb, Rgb, Rgb];
  readonly grass: readonly [Rgb, Rgb];
  readonly density: readonly [number, number];
}

export interface Weather {
  readonly sky: readonly [top: Rgb, bottom: Rgb];
  readonly sun: Rgb;
  readonly ambient: Rgb;
}

export interface Palette {
  readonly grounds: readonly GroundKind[];
  readonly weathers: readonly Weather[];
}

/** Green pasture, dry savanna, sand, red earth, mixed steppe. */
const savannaGrounds: readonly GroundKind[] = [
  {
    ground: [
      [0.3, 0.38, 0.15],
      [0.4, 0.44, 0.2],
      [0.5, 0.44, 0.27],
    ],
    grass: [
      [0.2, 0.3, 0.1],
      [0.52, 0.56, 0.26],
    ],
    density: [0.012, 0.03],
  },
  {
    ground: [
      [0.58, 0.46, 0.26],
      [0.68, 0.56, 0.33],
      [0.44, 0.36, 0.2],
    ],
    grass: [
      [0.42, 0.32, 0.15],
      [0.82, 0.7, 0.44],
    ],
    density: [0.015, 0.035],
  },
  {
    ground: [
      [0.7, 0.56, 0.38],
      [0.78, 0.66, 0.47],
      [0.56, 0.42, 0.28],
    ],
    grass: [
      [0.46, 0.4, 0.22],
      [0.7, 0.62, 0.38],
    ],
    density: [0.001, 0.006],
  },
  {
    ground: [
      [0.52, 0.32, 0.2],
      [0.6, 0.41, 0.27],
      [0.4, 0.27, 0.17],
    ],
    grass: [
      [0.36, 0.32, 0.15],
      [0.66, 0.56, 0.31],
    ],
    density: [0.002, 0.012],
  },
  {
    ground: [
      [0.42, 0.4, 0.22],
      [0.6, 0.5, 0.31],
      [0.34, 0.33, 0.18],
    ],
    grass: [
      [0.28, 0.3, 0.12],
      [0.74, 0.66, 0.4],
    ],
    density: [0.008, 0.025],
  },
];

/** Noon, warm evening, overcast, hazy morning. */
const savannaWeathers: readonly Weather[] = [
  {
    sky: [
      [0.33, 0.55, 0.85],
      [0.74, 0.84, 0.93],
    ],
    sun: [0.92, 0.88, 0.8],
    ambient: [0.42, 0.45, 0.5],
  },
  {
    sky: [
      [0.5, 0.56, 0.72],
      [0.96, 0.76, 0.52],
    ],
    sun: [1.05, 0.8, 0.52],
    ambient: [0.38, 0.36, 0.4],
  },
  {
    sky: [
      [0.66, 0.69, 0.73],
      [0.84, 0.85, 0.86],
    ],
    sun: [0.36, 0.36, 0.36],
    ambient: [0.76, 0.77, 0.79],
  },
  {
    sky: [
      [0.62, 0.72, 0.8],
      [0.9, 0.89, 0.83],
    ],
    sun: [0.72, 0.67, 0.58],
    ambient: [0.52, 0.53, 0.55],
  },
];

/** Forest floor, grey gravel, patchy snow, mud. */
const wildGrounds: readonly GroundKind[] = [
  {
    ground: [
      [0.24, 0.19, 0.12],
      [0.34, 0.26, 0.16],
      [0.2, 0.25, 0.11],
    ],
    grass: [
      [0.14, 0.2, 0.08],
      [0.46, 0.38, 0.22],
    ],
    density: [0.004, 0.02],
  },
  {
    ground: [
      [0.46, 0.45, 0.43],
      [0.6, 0.58, 0.55],
      [0.3, 0.29, 0.28],
    ],
    grass: [
      [0.3, 0.32, 0.2],
      [0.58, 0.55, 0.4],
    ],
    density: [0.001, 0.008],
  },
  {
    ground: [
      [0.8, 0.82, 0.86],
      [0.9, 0.91, 0.93],
      [0.42, 0.37, 0.28],
    ],
    grass: [
      [0.36, 0.31, 0.2],
      [0.66, 0.58, 0.42],
    ],
    density: [0.002, 0.01],
  },
  {
    ground: [
      [0.28, 0.2, 0.14],
      [0.4, 0.3, 0.21],
      [0.5, 0.47, 0.42],
    ],
    grass: [
      [0.26, 0.26, 0.12],
      [0.5, 0.44, 0.26],
    ],
    density: [0.002, 0.012],
  },
];

/** Dusk, under leaves. */
const wildWeathers: readonly Weather[] = [
  {
    sky: [
      [0.22, 0.24, 0.38],
      [0.72, 0.46, 0.38],
    ],
    sun: [0.5, 0.34, 0.26],
    ambient: [0.32, 0.33, 0.42],
  },
  {
    sky: [
      [0.3, 0.38, 0.26],
      [0.52, 0.58, 0.4],
    ],
    sun: [0.4, 0.42, 0.3],
    ambient: [0.44, 0.5, 0.4],
  },
];

export const savanna: Palette = { grounds: savannaGrounds, weathers: savannaWeathers };
export const anywhere: Palette = {
  grounds: [...savannaGrounds, ...wildGrounds],
  weathers: [...savannaWeathers, ...wildWeathers],
};
