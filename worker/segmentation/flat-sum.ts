/**
 * The gradient of all parameters as one row of numbers: [gradient of each parameter, flattened, in the order of the definitions, loss, room
 * for one number more], P + 2 of them. TensorFlow on a processor puts it where it is wanted, into memory that it is given as a tensor;
 * reading out what it has made costs fresh memory for all of it, twice: a tenth of a step of ResNet-18.
 */
import { AppError } from "../../shared/errors.js";
import { alignmentFloats } from "../../shared/math/vectors.js";
import { layOut, type SumProgress } from "../compute/sum-progress.js";
import { nativeKernel } from "./nn/native.js";
import { take } from "./read.js";
import type { Tensor, Tf } from "./tf.js";

/** Neighbouring pieces that begin where TensorFlow takes memory as it is: pieces [first, end), numbers [from, to). */
export interface Group {
  readonly first: number;
  readonly end: number;
  readonly from: number;
  readonly to: number;
}

export function alignedGroups(sizes: readonly number[]): Group[] {
  const groups: Group[] = [];
  let [first, from, to] = [0, 0, 0];
  sizes.forEach((size, piece) => {
    to += size;
    const end = piece + 1;
    if ((to % alignmentFloats !== 0 && end < sizes.length) || to === from) return;
    groups.push({ first, end, from, to });
    [first, from] = [end, to];
  });
  return groups;
}

/** Memory for the row. */
export class FlatTarget {
  private readonly groups: readonly Group[];
  /** One for each group; null: nobody asks. */
  private readonly marks: Float32Array | null;

  /** `sizes`: of the pieces. `room`: from a VectorMemory. `progress`: where TensorFlow is to mark each group that it has written. */
  constructor(
    private readonly tf: Tf,
    private readonly room: Float32Array,
    sizes: readonly number[],
    progress?: SumProgress,
  ) {
    this.groups = alignedGroups(sizes);
    const ends = this.groups.map(({ to }) => to);
    this.marks = progress && layOut(progress, ends) ? progress.marks.subarray(0, ends.length) : null;
  }

  get isMarked(): boolean {
    return this.marks !== null;
  }

  /** It, and the marks behind it, as TensorFlow sees them. Call inside tf.tidy. */
  tensors(): Tensor[] {
    const { tf, groups, room, marks } = this;
    const targets = groups.map(({ from, to }) => tf.tensor2d(room.subarray(from, to), [1, to - from]));
    return marks ? [...targets, tf.tensor2d(marks, [marks.length, 1])] : targets;
  }

  /** Puts the pieces there. Returns the last number of each group, then marks: whoever compares them knows that they are there. */
  write(tensors: readonly Tensor[], pieces: readonly Tensor[]): Tensor {
    const { tf } = this;
    const row = tf.tensor1d([0], "int32");
    const last = this.groups.map(({ first, end, from, to }, i) => {
      const values = joined(tf, pieces.slice(first, end)).reshape([1, to - from]);
      const written = nativeKernel(tf, "InplaceUpdate", [tensors[i]!, row, values])!;
      return written.slice([0, to - from - 1], [1, 1]);
    });
    const marks = this.marks ? last.slice(0, -1).map((value, i) => this.mark(tensors.at(-1)!, i, value)) : [];
    return joined(
      tf,
      [...last, ...marks].map((value) => value.flatten()),
    );
  }

  /** Once `written` is there, which only TensorFlow knows, so that the mark is made of it: it is never zero. */
  private mark(marks: Tensor, group: number, written: Tensor): Tensor {
    const { tf } = this;
    const marked = nativeKernel(tf, "InplaceUpdate", [marks, tf.tensor1d([group], "int32"), written.abs().add(1)])!;
    return marked.slice([group, 0], [1, 1]);
  }

  /** The row, once the program has run that `write` has returned `last` of. Call outside tf.tidy. @throws AppError ENGINE_FAILED */
  async written(last: Tensor): Promise<Float32Array> {
    const wanted = await take(last);
    const { room } = this;
    const isThere = this.groups.every(({ to }, i) => Object.is(room[to - 1], wanted[i]));
    if (!isThere)
      throw new AppError("ENGINE_FAILED", "TensorFlow has put its numbers elsewhere than into the memory it was given");
    return room;
  }
}

/** The row in memory of its own. */
export function joined(tf: Tf, pieces: readonly Tensor[]): Tensor {
  return pieces.length === 1 ? pieces[0]! : tf.concat([...pieces]);
}
