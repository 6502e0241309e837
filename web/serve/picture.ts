/** The photo with its mask, on a canvas. Classes can be hidden one by one; nothing is computed on the server again. */

export type Rgb = readonly [red: number, green: number, blue: number];

export interface FoundClass {
  readonly id: number;
  readonly name: string;
  /** Share of the photo's pixels. */
  readonly share: number;
  /** COCO: runs down the columns, background first. */
  readonly rle: { readonly counts: readonly number[] };
}

export interface Prediction {
  readonly width: number;
  readonly height: number;
  readonly ms: number;
  readonly classes: readonly FoundClass[];
}

export interface Look {
  /** 0..1 */
  readonly opacity: number;
  readonly hidden: ReadonlySet<number>;
  readonly colorOf: (id: number) => Rgb;
}

/** Class ids, [height, width]. */
export function labelsOf({ width, height, classes }: Prediction): Uint8Array {
  const labels = new Uint8Array(width * height);
  for (const { id, rle } of classes) {
    let at = 0;
    for (const [index, run] of rle.counts.entries()) {
      const end = at + run;
      for (; index % 2 === 1 && at < end; at++) labels[(at % height) * width + Math.floor(at / height)] = id;
      at = end;
    }
  }
  return labels;
}

/** Longest side of the drawing, pixels: a screen shows no more, and a small photo is shown larger. */
const sideMax = 1600;
const sideMin = 960;

export function draw(canvas: HTMLCanvasElement, photo: ImageBitmap, labels: Uint8Array | null, look: Look): void {
  const side = Math.max(photo.width, photo.height);
  const scale = Math.min(Math.max(side, sideMin), sideMax) / side;
  const [width, height] = [Math.round(photo.width * scale), Math.round(photo.height * scale)];
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d", { willReadFrequently: true })!;
  context.drawImage(photo, 0, 0, width, height);
  if (labels === null) return;
  const picture = context.getImageData(0, 0, width, height);
  blend(picture, shrunk(labels, photo, { width, height }), look);
  context.putImageData(picture, 0, 0);
}

/** Class colour inside, opaque along the border: the shape shows on any photo. */
function blend({ data, width, height }: ImageData, labels: Uint8Array, { opacity, hidden, colorOf }: Look): void {
  const reach = Math.max(1, Math.round(Math.min(width, height) / 300));
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const id = labels[y * width + x]!;
      if (id === 0 || hidden.has(id)) continue;
      const share = opacity > 0 && isBorder(labels, width, height, x, y, reach) ? 1 : opacity;
      const color = colorOf(id);
      const at = (y * width + x) * 4;
      for (let c = 0; c < 3; c++) data[at + c] = data[at + c]! * (1 - share) + color[c]! * share;
    }
  }
}

function isBorder(labels: Uint8Array, width: number, height: number, x: number, y: number, reach: number): boolean {
  const own = labels[y * width + x];
  const differs = (px: number, py: number) =>
    px >= 0 && py >= 0 && px < width && py < height && labels[py * width + px] !== own;
  return differs(x - reach, y) || differs(x + reach, y) || differs(x, y - reach) || differs(x, y + reach);
}

function shrunk(
  labels: Uint8Array,
  from: { readonly width: number; readonly height: number },
  to: { readonly width: number; readonly height: number },
): Uint8Array {
  if (from.width === to.width && from.height === to.height) return labels;
  return Uint8Array.from({ length: to.width * to.height }, (_, i) => {
    const x = Math.floor((((i % to.width) + 0.5) * from.width) / to.width);
    const y = Math.floor(((Math.floor(i / to.width) + 0.5) * from.height) / to.height);
    return labels[y * from.width + x]!;
  });
}
