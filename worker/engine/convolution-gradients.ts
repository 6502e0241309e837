/**
 * Gradients of convolutions on TensorFlow's CPU, in place of tfjs's kernels for them.
 *
 * oneDNN 3.7 (libtensorflow 2.21 has 3.7.3) packs a filter wrongly for the gradient by the input: where the input's channels fill no
 * whole number of its blocks, part of the last block is lost, and with it that part of the gradient
 * (https://github.com/uxlfoundation/oneDNN/issues/3280). And the gradient by a filter of one cell that skips pixels writes past its
 * memory where channels are few (https://github.com/uxlfoundation/oneDNN/issues/6035).
 *
 * So a filter of one cell is a matrix here, and its gradients are matrix products, which pack nothing. They are faster, too
 * (docs/BENCHMARKS.md, "Where a training step's time goes"). Larger filters get channels of zeros that fill the last block.
 */
import type { KernelFunc, NamedAttrMap, NamedTensorInfoMap, TensorInfo } from "@tensorflow/tfjs";
import type { Tensor, Tensor4D, Tf } from "../segmentation/tf.js";

/** For filters of several cells oneDNN takes larger blocks only where they divide the channels (its fast_check_oc_block). */
const blockChannels = 32;
/** So few are one block. */
const fewChannels = 16;

type Shape4D = [number, number, number, number];
type Pair = readonly [number, number];

interface Call {
  readonly tf: Tf;
  readonly inputs: Readonly<Record<string, Tensor4D>>;
  readonly attributes: ConvolutionAttributes;
  /** The kernel that was there before. */
  readonly stock: (inputs: NamedTensorInfoMap, attributes: object) => Tensor4D;
}

interface ConvolutionAttributes {
  readonly strides: number | Pair;
  readonly inputShape: Shape4D;
  readonly filterShape: Shape4D;
}

/** The parts of tfjs-node's backend that its types leave out. */
interface NodeBackend {
  readonly binding: { readonly TF_ATTR_BOOL: number; readonly TF_ATTR_TYPE: number; readonly TF_FLOAT: number };
  executeSingleOutput(name: string, attributes: readonly object[], inputs: readonly Tensor[]): Tensor;
}

export function installConvolutionGradients(tf: Tf): void {
  install(tf, tf.Conv2DBackpropInput, inputGradient);
  install(tf, tf.Conv2DBackpropFilter, filterGradient);
}

function install(tf: Tf, kernelName: string, gradient: (call: Call) => Tensor4D): void {
  const backendName = "tensorflow";
  const own = tf.getKernel(kernelName, backendName).kernelFunc;
  const kernelFunc: KernelFunc = ({ inputs, attrs, backend }) => {
    const stock = (to: NamedTensorInfoMap, attributes: object) =>
      own({ inputs: to, attrs: attributes as NamedAttrMap, backend }) as TensorInfo as Tensor4D;
    const attributes = attrs as unknown as ConvolutionAttributes;
    return tf.tidy(() => gradient({ tf, inputs: inputs as unknown as Call["inputs"], attributes, stock }));
  };
  tf.unregisterKernel(kernelName, backendName);
  tf.registerKernel({ kernelName, backendName, kernelFunc });
}

function inputGradient({ tf, inputs, attributes, stock }: Call): Tensor4D {
  const [dy, filter] = [inputs.dy!, inputs.filter!];
  const { inputShape } = attributes;
  const [height, width, channels] = filter.shape;
  if (height * width === 1) {
    const seen = product(tf, matrix(dy), matrix(filter), { transposeB: true });
    return spread(tf, seen.reshape(dy.shape.with(3, channels) as Shape4D), attributes);
  }
  const missing = channels <= fewChannels ? 0 : -channels & (blockChannels - 1);
  if (missing === 0) return stock({ dy, filter }, attributes);
  const [n, h, w] = inputShape;
  const filled = tf.pad(filter, [...Array(2).fill([0, 0]), [0, missing], [0, 0]]) as Tensor4D;
  const gradient = stock({ dy, filter: filled }, { ...attributes, inputShape: [n, h, w, channels + missing] });
  return gradient.slice([0, 0, 0, 0], inputShape);
}

function filterGradient({ tf, inputs, attributes, stock }: Call): Tensor4D {
  const [x, dy] = [inputs.x!, inputs.dy!];
  const { filterShape } = attributes;
  const [height, width] = filterShape;
  if (height * width > 1) return stock({ x, dy }, attributes);
  const [down, right] = stridesOf(attributes);
  const seen = down * right === 1 ? x : (tf.stridedSlice(x, [0, 0, 0, 0], x.shape, [1, down, right, 1]) as Tensor4D);
  return product(tf, matrix(seen), matrix(dy), { transposeA: true }).reshape(filterShape);
}

/** Zeros for the pixels that a filter of one cell skips: it sees every `strides`th, from the first. */
function spread(tf: Tf, seen: Tensor4D, { strides, inputShape }: ConvolutionAttributes): Tensor4D {
  const [down, right] = stridesOf({ strides });
  if (down * right === 1) return seen;
  const [n, h, w, channels] = seen.shape;
  const apart = seen.reshape([n, h, 1, w, 1, channels]);
  const none: [number, number] = [0, 0];
  const filled = tf.pad(apart, [none, none, [0, down - 1], none, [0, right - 1], none]);
  return filled.reshape<Tensor4D>([n, h * down, w * right, channels]).slice([0, 0, 0, 0], inputShape);
}

function stridesOf({ strides }: Pick<ConvolutionAttributes, "strides">): Pair {
  return typeof strides === "number" ? [strides, strides] : strides;
}

/** [N, H, W, C] as [N * H * W, C]. */
function matrix(tensor: Tensor4D): Tensor {
  return tensor.reshape([-1, tensor.shape[3]]);
}

/** TensorFlow's MatMul: tfjs has only that of batches. */
function product(tf: Tf, a: Tensor, b: Tensor, { transposeA = false, transposeB = false }): Tensor4D {
  const { binding, executeSingleOutput } = tf.backend() as unknown as NodeBackend;
  const flag = (name: string, value: boolean) => ({ name, type: binding.TF_ATTR_BOOL, value });
  const attributes = [
    { name: "T", type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT },
    ...[flag("transpose_a", transposeA), flag("transpose_b", transposeB)],
  ];
  return executeSingleOutput.call(tf.backend(), "MatMul", attributes, [a, b]) as Tensor4D;
}
