/**
 * Convolutions' gradient by their input: convolution-code.ts has the others, and what it is as a product. With stride s a pixel of x
 * meets only every s-th tap: it goes through the s x s classes of pixels that meet the same taps, and takes no product with zero.
 */
import { type ConvolutionKind, far, loadCode, product, readAt, storeCode } from "./convolution-code.js";
import { type Operand, tileDepth } from "./tiles.js";

/** In parts [layers, pixels of x, from], each over `steps` of the taps. */
export function inputGradientCode(kind: ConvolutionKind): string {
  const setup = `
    let phases = uniforms.stride * uniforms.stride;
    part = i32(workgroupId.z) / phases;
    choosePhase(i32(workgroupId.z) - part * phases);
    if (localIndex == 0u) {
      let phaseSteps = (phaseTaps.x * phaseTaps.y * uniforms.outChannels + ${tileDepth - 1}) / ${tileDepth};
      groupSteps = clamp(phaseSteps - part * uniforms.steps, 0, uniforms.steps);
    }
    let steps = workgroupUniformLoad(&groupSteps);
    let firstK = part * uniforms.steps * ${tileDepth};`;
  const a: Operand = {
    ...{ contiguous: "k", outer: "placeAt", next: "nextPlace", inner: "dyTap", later: "laterDyTap", load: "dyAt" },
    isScaled: true,
  };
  const b: Operand = {
    ...{ contiguous: "k", outer: "filterRow", next: "nextRow", inner: "filterTap", later: "laterFilterTap" },
    load: "filterAt",
  };
  return [
    phaseCode,
    gradientImageCode(kind.isWide),
    gradientFilterCode(kind.isWide),
    gradientStoreCode(kind.isWide),
    product(kind, { a, b, setup, store: "storeGradient" }),
  ].join("\n");
}

/**
 * Pixels of x at stride x place + phase. Those of a phase meet taps first, first + stride, ...: at the i-th of them lies dy's
 * row place + offset - i.
 */
const phaseCode = `
    var<workgroup> groupSteps : i32;
    var<private> part : i32;
    var<private> phase : vec2<i32>;
    var<private> phaseSize : vec2<i32>;
    var<private> phaseTaps : vec2<i32>;
    var<private> firstTap : vec2<i32>;
    var<private> phaseOffset : vec2<i32>;
    fn choosePhase(index : i32) {
      let stride = vec2<i32>(uniforms.stride);
      phase = vec2<i32>(index / uniforms.stride, index % uniforms.stride);
      phaseSize = (vec2<i32>(uniforms.inHeight, uniforms.inWidth) - phase + stride - 1) / stride;
      let padded = phase + vec2<i32>(uniforms.padTop, uniforms.padLeft);
      firstTap = padded % stride;
      let filterSize = vec2<i32>(uniforms.filterHeight, uniforms.filterWidth);
      phaseTaps = max(vec2<i32>(0), (filterSize - firstTap + stride - 1) / stride);
      phaseOffset = (padded - firstTap) / stride;
    }`;

/** Later taps lie before the pixel. */
function gradientImageCode(isWide: boolean): string {
  return `
    fn placeAt(index : i32) -> vec4<i32> {
      let line = index / max(phaseSize.y, 1);
      let image = line / max(phaseSize.x, 1);
      let at = vec2<i32>(line - image * phaseSize.x, index - line * phaseSize.y) + phaseOffset;
      let pixel = (image * uniforms.outHeight + at.x) * uniforms.outWidth + at.y;
      return vec4<i32>(pixel * uniforms.outChannels, at, 0);
    }
    fn nextPlace(place : vec4<i32>) -> vec4<i32> {
      var next = place + vec4<i32>(uniforms.outChannels, 0, 1, 0);
      if (next.z == phaseSize.y + phaseOffset.y) {
        let line = (uniforms.outWidth - phaseSize.y) * uniforms.outChannels;
        next = next + vec4<i32>(line, 1, -phaseSize.y, 0);
        if (next.y == phaseSize.x + phaseOffset.x) {
          let image = (uniforms.outHeight - phaseSize.x) * uniforms.outWidth * uniforms.outChannels;
          next = next + vec4<i32>(image, -phaseSize.x, 0, 0);
        }
      }
      return next;
    }
    fn tapOf(index : i32) -> vec3<i32> {
      let tap = index / uniforms.outChannels;
      let row = tap / max(phaseTaps.y, 1);
      return vec3<i32>(row, tap - row * phaseTaps.y, index - tap * uniforms.outChannels);
    }
    fn dyTap(index : i32) -> vec4<i32> {
      let tap = tapOf(index);
      let place = tap.z - (tap.x * uniforms.outWidth + tap.y) * uniforms.outChannels;
      return vec4<i32>(place, select(-${far}, -tap.x, tap.x < phaseTaps.x), -tap.y, tap.z);
    }
    fn laterDyTap(tap : vec4<i32>) -> vec4<i32> {
      var next = tap + vec4<i32>(${tileDepth}, 0, 0, ${tileDepth});
      while (next.w >= uniforms.outChannels) {
        next = next + vec4<i32>(-2 * uniforms.outChannels, 0, -1, -uniforms.outChannels);
        if (next.z == -phaseTaps.y) {
          next = next + vec4<i32>((phaseTaps.y - uniforms.outWidth) * uniforms.outChannels, -1, phaseTaps.y, 0);
          if (next.y == -phaseTaps.x) { next.y = -${far}; }
        }
      }
      return next;
    }
    ${loadCode("dyAt", "dy", isWide, readAt("uniforms.outHeight", "uniforms.outWidth", "uniforms.outCells"))}`;
}

/** Filter [taps, from, to] by (channel of x, tap and channel of dy): neighbours of K lie side by side. */
function gradientFilterCode(isWide: boolean): string {
  return `
    fn filterRow(index : i32) -> vec4<i32> { return vec4<i32>(index * uniforms.outChannels, index, 0, 0); }
    fn nextRow(row : vec4<i32>) -> vec4<i32> { return row + vec4<i32>(uniforms.outChannels, 1, 0, 0); }
    fn filterTap(index : i32) -> vec4<i32> {
      let tap = tapOf(index);
      let at = firstTap + tap.xy * uniforms.stride;
      let place = (at.x * uniforms.filterWidth + at.y) * uniforms.inChannels * uniforms.outChannels + tap.z;
      return vec4<i32>(place, tap);
    }
    fn laterFilterTap(tap : vec4<i32>) -> vec4<i32> {
      let matrix = uniforms.inChannels * uniforms.outChannels;
      var next = tap + vec4<i32>(${tileDepth}, 0, 0, ${tileDepth});
      while (next.w >= uniforms.outChannels) {
        next = next + vec4<i32>(uniforms.stride * matrix - uniforms.outChannels, 0, 1, -uniforms.outChannels);
        if (next.z == phaseTaps.y) {
          let line = (uniforms.filterWidth - phaseTaps.y) * uniforms.stride * matrix;
          next = next + vec4<i32>(line, 1, -phaseTaps.y, 0);
        }
      }
      return next;
    }
    ${loadCode(
      "filterAt",
      "w",
      isWide,
      `
      let cell = outer.x + inner.x;
      let isInside = outer.y < uniforms.inChannels && inner.y < phaseTaps.x;`,
    )}`;
}

function gradientStoreCode(isWide: boolean): string {
  return `
    fn storeGradient(row : i32, column : i32, values : vec4<f32>) {
      let line = row / max(phaseSize.y, 1);
      let image = line / max(phaseSize.x, 1);
      if (image >= uniforms.batch || phaseSize.x * phaseSize.y == 0 || column >= uniforms.inChannels) { return; }
      let at = vec2<i32>(line - image * phaseSize.x, row - line * phaseSize.y) * uniforms.stride + phase;
      let pixel = ((part * uniforms.batch + image) * uniforms.inHeight + at.x) * uniforms.inWidth + at.y;
      let place = pixel * uniforms.inChannels + column;
      ${storeCode(isWide, "uniforms.inChannels")}
    }`;
}
