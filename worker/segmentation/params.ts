/**
 * Parameters by name, and the flat buffer they travel in. A model lists its definitions once; initial values are a
 * function of (seed, stage, name), so adding a layer does not disturb the others.
 */
import { assert } from "../../shared/assert.js";
import { Rng } from "../../shared/rng.js";
import type { ParamSpec } from "../compute/contract.js";
import type { Tensor, Tf, Variable } from "./tf.js";

export interface ParamDef extends ParamSpec {
  /** Deviation of a normal start, one constant, or given values. */
  readonly start: { readonly deviation: number } | { readonly constant: number } | { readonly values: Float32Array };
}

export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, side) => product * side, 1);
}

/** A kernel with He's variance, 2 / fan-in, for layers followed by a ReLU. */
export function kernel(name: string, shape: readonly number[], gain = 2): ParamDef {
  const fanIn = sizeOf(shape.slice(0, -1));
  return { name, shape, learningRateScale: 1, weightDecay: true, start: { deviation: Math.sqrt(gain / fanIn) } };
}

/** A bias or a norm's scale: never decayed. */
export function constant(name: string, size: number, value: number): ParamDef {
  return { name, shape: [size], learningRateScale: 1, weightDecay: false, start: { constant: value } };
}

/** The start of every parameter; those that `parent` has under the same name and shape come from there. */
export function initialValues(
  defs: readonly ParamDef[],
  key: readonly (string | number)[],
  parent: ReadonlyMap<string, Float32Array>,
): Float32Array {
  const values = new Float32Array(defs.reduce((sum, def) => sum + sizeOf(def.shape), 0));
  let offset = 0;
  for (const def of defs) {
    const size = sizeOf(def.shape);
    const inherited = parent.get(def.name);
    if (inherited?.length === size) values.set(inherited, offset);
    else fillStart(values.subarray(offset, offset + size), def, new Rng(...key, def.name));
    offset += size;
  }
  return values;
}

function fillStart(out: Float32Array, { start }: ParamDef, rng: Rng): void {
  if ("values" in start) out.set(start.values);
  else if ("constant" in start) out.fill(start.constant);
  else for (let i = 0; i < out.length; i++) out[i] = rng.normal() * start.deviation;
}

/** Cuts a flat buffer into named views. */
export function splitFlat(defs: readonly ParamDef[], values: Float32Array): Map<string, Float32Array> {
  const views = new Map<string, Float32Array>();
  let offset = 0;
  for (const def of defs) {
    const size = sizeOf(def.shape);
    views.set(def.name, values.subarray(offset, offset + size));
    offset += size;
  }
  assert(offset === values.length, `parameters have ${offset} values, not ${values.length}`);
  return views;
}

/** The live copy of a model's parameters. Networks read them by name; gradients come back in the flat order. */
export class ParamStore {
  private readonly variables: Variable[];
  private readonly byName = new Map<string, Variable>();
  /** What was loaded last; null before that. */
  values: Float32Array | null = null;

  /** `adopted`: variables that live elsewhere (in a tfjs model) and are written and read, but not owned. */
  constructor(
    private readonly tf: Tf,
    readonly defs: readonly ParamDef[],
    private readonly adopted: ReadonlyMap<string, Variable> = new Map(),
  ) {
    this.variables = defs.map((def) => adopted.get(def.name) ?? newVariable(tf, def.shape));
    defs.forEach((def, i) => {
      this.byName.set(def.name, this.variables[i]!);
    });
  }

  /** In the order of the definitions, as they are now: loading replaces them. */
  get tensors(): readonly Tensor[] {
    return this.variables;
  }

  load(values: Float32Array): void {
    const views = splitFlat(this.defs, values);
    this.defs.forEach((def, i) => {
      const tensor = this.tf.tensor(views.get(def.name)!, def.shape as number[], "float32");
      this.variables[i]!.assign(tensor);
      tensor.dispose();
    });
    this.values = values;
  }

  readonly get = (name: string): Tensor => {
    const variable = this.byName.get(name);
    assert(variable, `parameter ${name} exists`);
    return variable;
  };

  /** Gradient of a scalar in the flat order, the scalar itself behind it, and room for one number more: [P + 2], in pieces. Call inside tf.tidy. */
  gradientPieces(loss: () => Tensor): Tensor[] {
    const { value, grads } = this.tf.variableGrads(loss as never, this.trained());
    const gradients = this.variables.map((variable, i) => {
      const grad = grads[variable.name];
      return grad ? grad.flatten() : this.tf.zeros([sizeOf(this.defs[i]!.shape)]);
    });
    return [...gradients, value.flatten(), this.tf.zeros([1])];
  }

  get pieceSizes(): number[] {
    return [...this.defs.map(({ shape }) => sizeOf(shape)), 1, 1];
  }

  dispose(): void {
    this.defs.forEach((def, i) => {
      if (!this.adopted.has(def.name)) this.variables[i]!.dispose();
    });
  }

  private trained(): Variable[] {
    return this.variables.filter((_, i) => this.defs[i]!.learningRateScale > 0);
  }
}

function newVariable(tf: Tf, shape: readonly number[]): Variable {
  return tf.tidy(() => tf.variable(tf.zeros(shape as number[]), true));
}
