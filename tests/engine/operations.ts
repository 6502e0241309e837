/** One entry per operation of the method, on shapes with odd sides and channel counts beside the usual ones. */
import type { Tensor, Tensor2D, Tensor3D, Tensor4D, Tf } from "../../worker/segmentation/tf.js";

export type Operation = (tf: Tf) => Tensor | readonly Tensor[];

/** The same numbers in every engine: tfjs draws them in JavaScript. */
function random<T extends Tensor>(tf: Tf, seed: number, ...shape: readonly number[]): T {
  return tf.randomNormal([...shape], 0, 1, "float32", seed) as unknown as T;
}

/** The result, and its gradient by every input, weighted so that no two cells have the same. */
function withGradients(f: (tf: Tf, ...inputs: Tensor[]) => Tensor, ...shapes: readonly number[][]): Operation {
  return (tf) => {
    const inputs = shapes.map((shape, i) => random(tf, i + 1, ...shape));
    const value = f(tf, ...inputs);
    const weight = random(tf, 99, ...value.shape);
    const gradients = tf.grads((...args) => f(tf, ...args).mul(weight))(inputs);
    return [value, ...gradients];
  };
}

const conv = (side: number, from: number, to: number, stride: number, pad: "same" | "valid" = "same", size = 13) =>
  withGradients(
    (tf, x, w) => tf.conv2d(x as Tensor4D, w as Tensor4D, stride, pad),
    [2, size, size + 2, from],
    [side, side, from, to],
  );

const depthwise = (stride: number, channels: number, side = 3, times = 1) =>
  withGradients(
    (tf, x, w) => tf.depthwiseConv2d(x as Tensor4D, w as Tensor4D, stride, "same"),
    [2, 13, 12, channels],
    [side, side, channels, times],
  );

const fused = (activation: "linear" | "relu" | "relu6" | "elu", from: number): Operation => {
  return (tf) => {
    const x = random<Tensor4D>(tf, 1, 2, 9, 9, from);
    const filter = random<Tensor4D>(tf, 2, 3, 3, from, 21);
    const bias = random(tf, 3, 21);
    return tf.fused.conv2d({ x, filter, strides: 2, pad: "same", bias, activation });
  };
};

const matMul = (a: number[], b: number[], transposeA = false, transposeB = false) =>
  withGradients((tf, x, y) => tf.matMul(x as Tensor2D, y as Tensor2D, transposeA, transposeB), a, b);

const unary = (f: (x: Tensor) => Tensor): Operation => withGradients((_, x) => f(x), [3, 7, 5, 6]);

const along = (axis: number | number[], keepDims = false) =>
  withGradients((_, x) => x.sum(axis, keepDims), [3, 9, 11, 10]);

const convolutions: Record<string, Operation> = {
  "conv 1x1": conv(1, 16, 24, 1),
  "conv 1x1, long sums": conv(1, 300, 40, 1, "same", 20),
  "conv 1x1, part of a block": conv(1, 320, 8, 1, "same", 7),
  "conv 1x1, odd channels": conv(1, 9, 7, 1),
  "conv 1x1, stride 2": conv(1, 12, 10, 2),
  "conv 1x1, stride 2, few channels": conv(1, 4, 3, 2),
  "conv 1x1, strides of two sides": withGradients(
    (tf, x, w) => tf.conv2d(x as Tensor4D, w as Tensor4D, [3, 2], "valid"),
    [2, 14, 13, 40],
    [1, 1, 40, 6],
  ),
  "conv 1x1, one output": conv(1, 19, 1, 1),
  "conv 3x3": conv(3, 16, 32, 1),
  "conv 3x3, colours": conv(3, 3, 16, 2),
  "conv 3x3, odd channels": conv(3, 11, 13, 1),
  "conv 3x3, stride 2": conv(3, 8, 16, 2),
  "conv 3x3, stride 2, part of a block": conv(3, 48, 8, 2),
  "conv 3x3, part of a block": conv(3, 72, 10, 1),
  "conv 3x3, no padding": conv(3, 8, 12, 2, "valid"),
  "conv 5x5, stride 3": conv(5, 8, 6, 3),
  "conv 3x3, dilated": (tf) => {
    return tf.conv2d(random<Tensor4D>(tf, 1, 1, 15, 15, 8), random<Tensor4D>(tf, 2, 3, 3, 8, 9), 1, "same", "NHWC", 2);
  },
  "depthwise 3x3": depthwise(1, 16),
  "depthwise 3x3, odd channels": depthwise(1, 7),
  "depthwise 5x5, stride 2": depthwise(2, 12, 5),
  "depthwise, two filters per channel": depthwise(1, 6, 3, 2),
  "fused conv": fused("linear", 8),
  "fused conv, ReLU": fused("relu", 12),
  "fused conv, ReLU6": fused("relu6", 17),
  "fused conv, ELU": fused("elu", 8),
  "fused conv, colours": fused("relu", 3),
};

const products: Record<string, Operation> = {
  matMul: matMul([13, 21], [21, 35]),
  "matMul, transposed": matMul([21, 13], [35, 21], true, true),
  "matMul, long": matMul([40, 700], [700, 24]),
  "matMul, batch": matMul([3, 6, 9], [3, 9, 10]),
  "matMul, one for a batch": (tf) => tf.matMul(random<Tensor3D>(tf, 1, 1, 5, 7), random<Tensor3D>(tf, 2, 4, 7, 9)),
  "sum of all": (tf) => random(tf, 1, 5, 300, 7).sum(),
  "sum over pixels": along([1, 2]),
  "sum over pixels, kept": along([1, 2], true),
  "sum over images": along(0),
  "sum over channels": along(-1),
  "sum of every other axis": along([0, 2]),
  "mean over pixels": withGradients((_, x) => x.mean([1, 2]), [2, 12, 12, 9]),
  "mean of whole numbers": (tf) => tf.tensor1d([1, 2, 4], "int32").mean(),
  "max over channels": (tf) => random(tf, 1, 4, 6, 7).max(-1),
  "softmax and its logarithm": withGradients((tf, x) => tf.softmax(x).add(tf.logSoftmax(x)), [4, 6, 3]),
};

const elements: Record<string, Operation> = {
  relu: unary((x) => x.relu()),
  relu6: unary((x) => x.relu6()),
  sigmoid: unary((x) => x.sigmoid()),
  exp: unary((x) => x.exp()),
  log: unary((x) => x.square().add(1).log()),
  log1p: unary((x) => x.square().log1p()),
  sqrt: unary((x) => x.square().add(0.1).sqrt()),
  rsqrt: unary((x) => x.square().add(0.1).rsqrt()),
  square: unary((x) => x.square()),
  abs: unary((x) => x.abs()),
  neg: unary((x) => x.neg()),
  sign: (tf) => random(tf, 1, 300).sign(),
  "sign, small numbers": (tf) => random(tf, 1, 300).mul(1e-8).sign(),
  step: (tf) => random(tf, 1, 300).step(),
  greater: (tf) => tf.where(random(tf, 1, 300).greater(0.3), random(tf, 2, 300), tf.zeros([300])),
  clip: unary((x) => x.clipByValue(-0.5, 0.7)),
  maximum: withGradients((tf, x, y) => tf.maximum(x, y), [40], [40]),
  arithmetic: withGradients((_, x, y) => x.mul(y).add(x).sub(y).div(y.square().add(1)), [2, 3, 4, 5], [2, 3, 4, 5]),
  "arithmetic, per channel": withGradients((_, x, y) => x.mul(y).add(y), [2, 6, 6, 9], [9]),
  "arithmetic, per image": withGradients((_, x, y) => x.mul(y).sub(y), [2, 6, 6, 9], [2, 1, 1, 9]),
  "cast and one-hot": (tf) => tf.oneHot(tf.tensor1d([0, 2, 1, 3], "int32"), 4).cast("float32"),
};

const shapes: Record<string, Operation> = {
  resize: (tf) => tf.image.resizeBilinear(random<Tensor4D>(tf, 1, 2, 7, 9, 5), [20, 13], false, true),
  reverse: (tf) => random<Tensor4D>(tf, 1, 2, 7, 9, 5).reverse([1, 2]),
  gather: withGradients((tf, x) => tf.gather(x, tf.tensor1d([2, 0, 2], "int32"), 1), [3, 4, 5]),
  concat: withGradients((tf, x, y) => tf.concat([x, y], 3), [2, 5, 5, 3], [2, 5, 5, 6]),
  stack: withGradients((tf, x, y) => tf.stack([x, y], 1), [2, 5], [2, 5]),
  unstack: (tf) => tf.unstack(random(tf, 1, 3, 4, 5), 1),
  slice: withGradients((_, x) => x.slice([0, 1, 2], [2, 2, 3]), [3, 4, 6]),
  tile: withGradients((_, x) => x.tile([1, 2, 3]), [2, 3, 4]),
  pad: withGradients(
    (tf, x) =>
      tf.pad(x, [
        [0, 0],
        [1, 2],
        [0, 1],
      ]),
    [2, 3, 4],
  ),
  transpose: withGradients((_, x) => x.transpose([0, 2, 1]), [2, 3, 4]),
  "batch norm": (tf) => {
    const [x, mean, variance] = [random<Tensor4D>(tf, 1, 2, 6, 6, 5), random(tf, 2, 5), random(tf, 3, 5).square()];
    return tf.batchNorm(x, mean as never, variance as never, random(tf, 4, 5) as never, random(tf, 5, 5) as never);
  },
  "max pool": withGradients((tf, x) => tf.maxPool(x as Tensor4D, 3, 2, "same"), [2, 9, 8, 5]),
  "max pool, no padding": withGradients((tf, x) => tf.maxPool(x as Tensor4D, 3, 1, "valid"), [2, 9, 9, 5]),
  "mean pool": withGradients((tf, x) => tf.avgPool(x as Tensor4D, 3, 2, "same"), [2, 9, 8, 5]),
};

export const operations: Readonly<Record<string, Operation>> = { ...convolutions, ...products, ...elements, ...shapes };
