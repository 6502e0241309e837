/**
 * A formula that is computed again and again with other numbers, as a program of the engine where it can make one, which is
 * then the only way it is computed: a first time done otherwise could have other bits.
 */
import type { MathMode } from "../../shared/config/method.js";
import type { Tensor, Tf } from "./tf.js";

export interface Formula {
  /** All that differs from one time to the next. */
  readonly inputs: readonly Tensor[];
  readonly value: () => Tensor;
  /** What `value` joins, each of them flat, for engines that bring them out one by one. */
  readonly parts?: () => readonly Tensor[];
  /** Default: f32. Others need a compiler that has them. */
  readonly math?: MathMode;
}

export interface Program {
  readonly run: (inputs: readonly Tensor[]) => Tensor;
  /** Begins to compute the value; what it returns waits for it and puts it into an array. Of an engine with a memory of its own. */
  readonly begin?: (inputs: readonly Tensor[]) => (target: Float32Array) => Promise<void>;
  readonly dispose: () => void;
}

/** Calls `build` inside tf.tidy. */
export type Compile = (build: () => Formula) => Promise<Program>;

export class Programs {
  private readonly known = new Map<string, Program>();

  constructor(
    private readonly tf: Tf,
    private readonly compile: Compile | null,
  ) {}

  /** `key`: names the formula and the shapes of its inputs; null: shapes that differ every time are not worth a program. */
  async value(key: string | null, build: () => Formula): Promise<Tensor> {
    const program = key === null ? null : await this.program(key, build);
    return this.tf.tidy(() => {
      const formula = build();
      return program ? program.run(formula.inputs) : formula.value();
    });
  }

  /** The same, put into the array that `target` gives. Null: not with this engine, or without a program. Call outside tf.tidy. */
  async into(key: string | null, build: () => Formula, target: () => Float32Array): Promise<Float32Array | null> {
    const program = key === null ? null : await this.program(key, build);
    if (!program?.begin) return null;
    const { begin } = program;
    let fetch!: ReturnType<typeof begin>;
    this.tf.tidy(() => {
      fetch = begin(build().inputs);
    });
    const array = target();
    await fetch(array);
    return array;
  }

  dispose(): void {
    for (const program of this.known.values()) program.dispose();
    this.known.clear();
  }

  private async program(key: string, build: () => Formula): Promise<Program | null> {
    if (!this.compile) return null;
    const known = this.known.get(key) ?? (await this.compile(build));
    this.known.set(key, known);
    return known;
  }
}
