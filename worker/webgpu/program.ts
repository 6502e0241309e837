/** A WGSL program in the form that tfjs-backend-webgpu compiles, caches and runs. */
import type { DataType, TensorInfo } from "@tensorflow/tfjs";
import type { GpuBackend } from "./gpu.js";

export interface ProgramText {
  /** Equal keys are equal texts: all that the text depends on has to be in it. */
  readonly key: string;
  /** Functions and `fn main()`, or `fn main(index : i32)` of a program with a line of invocations. */
  readonly code: string;
  /** Names of the inputs in the text, and how many floats one element of each has. */
  readonly inputs: readonly (readonly [name: string, width: 1 | 4])[];
  readonly resultWidth: 1 | 4;
  readonly workgroupSize: number;
}

export interface Dispatch {
  readonly outputShape: readonly number[];
  /** Work groups: one number is a line of them, which may be folded; three are a grid. */
  readonly groups: readonly [number] | readonly [number, number, number];
  /** Default: float32. */
  readonly dtype?: DataType;
}

/** Whole numbers that the text reads as `uniforms.NAME`. */
export type Uniforms = Readonly<Record<string, number>>;

export function runProgram(
  backend: GpuBackend,
  text: ProgramText,
  dispatch: Dispatch,
  inputs: readonly TensorInfo[],
  uniforms: Uniforms,
): TensorInfo {
  const values = Object.values(uniforms).map((value) => ({ type: "int32" as const, data: [value] }));
  return backend.runWebGPUProgram(
    new SeedgrowProgram(text, dispatch, uniforms),
    inputs,
    dispatch.dtype ?? "float32",
    values,
  );
}

/** The fields are tfjs's (webgpu_program.ts). */
class SeedgrowProgram {
  readonly variableNames: readonly string[];
  readonly variableComponents: readonly number[];
  readonly outputComponent: number;
  readonly uniforms: string;
  readonly workgroupSize: readonly number[];
  readonly outputShape: readonly number[];
  readonly shaderKey: string;
  readonly size = false;
  readonly dispatchLayout: object;
  dispatch: readonly number[];

  constructor(
    private readonly text: ProgramText,
    { outputShape, groups }: Dispatch,
    uniforms: Uniforms,
  ) {
    this.variableNames = text.inputs.map(([name]) => name);
    this.variableComponents = text.inputs.map(([, width]) => width);
    this.outputComponent = text.resultWidth;
    this.uniforms = Object.keys(uniforms)
      .map((name) => `${name} : i32, `)
      .join("");
    this.workgroupSize = [text.workgroupSize, 1, 1];
    this.outputShape = outputShape;
    this.shaderKey = `seedgrow_${text.key}`;
    // tfjs makes a main(index) where only x is laid out. Which axes it is told does not matter: nobody asks for coordinates.
    this.dispatchLayout = groups.length === 1 ? { x: [0] } : { x: [0], y: [0], z: [0, 0, 0] };
    this.dispatch = groups.length === 1 ? [groups[0], 1, 1] : groups;
  }

  getUserCode(): string {
    return this.text.code;
  }
}

/** A line of invocations, 64 to a group. */
export const lineWidth = 64;
export function lineOf(invocations: number): readonly [number] {
  return [Math.ceil(invocations / lineWidth)];
}

export function cellsOf(shape: readonly number[]): number {
  return shape.reduce((product, side) => product * side, 1);
}

export const zeroOf = (width: 1 | 4) => (width === 4 ? "vec4<f32>(0.0)" : "0.0");

/** Beginning of `main(index)` for a program with an invocation per cell: its image, its place `at` there and its channel. */
export const placeCode = `
      if (index >= uniforms.cells) { return; }
      let pixel = index / uniforms.channels;
      let channel = index - pixel * uniforms.channels;
      let line = pixel / uniforms.inWidth;
      let image = line / uniforms.inHeight;
      let at = vec2<i32>(line - image * uniforms.inHeight, pixel - line * uniforms.inWidth);`;

/**
 * `total`: the sum of a term for whole numbers from `first` to `end`. Eight sums side by side, added in pairs: one would wait for
 * memory at every addend.
 */
export function sumCode(zero: string, first: string, end: string, term: (at: string) => string): string {
  const sums = [0, 1, 2, 3, 4, 5, 6, 7];
  return `
    var at0 = ${first};
    ${sums.map((i) => `var sum${i} = ${zero};`).join("\n")}
    for (; at0 + 8 <= ${end}; at0 = at0 + 8) {
      ${sums.map((i) => `sum${i} = sum${i} + ${term(`at0 + ${i}`)};`).join("\n")}
    }
    for (; at0 < ${end}; at0 = at0 + 1) { sum0 = sum0 + ${term("at0")}; }
    let total = ((sum0 + sum1) + (sum2 + sum3)) + ((sum4 + sum5) + (sum6 + sum7));`;
}
