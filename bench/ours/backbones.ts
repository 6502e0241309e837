/**
 * Backbones with random weights, so that nothing has to be fetched to measure: the layers of MobileNetV2, ResNet-18 and ResNet-50 with
 * their norms folded into biases, as files of pretrained ones have them. The peers' (bench/peers/networks.py) are the same.
 */
import type { SymbolicTensor } from "@tensorflow/tfjs";
import type { BackboneFiles } from "../../worker/compute/contract.js";
import { filesOfModel } from "../../worker/segmentation/testing.js";
import type { Tf } from "../../worker/segmentation/tf.js";

export const backboneNames = ["mobilenet_v2", "resnet18", "resnet50"] as const;
export type BackboneName = (typeof backboneNames)[number];

/** Factor of the inner width, width, blocks, stride of the first (Sandler 2018, table 2). */
const mobileNetRows = [
  [1, 16, 1, 1],
  [6, 24, 2, 2],
  [6, 32, 3, 2],
  [6, 64, 4, 2],
  [6, 96, 3, 1],
  [6, 160, 3, 2],
  [6, 320, 1, 1],
] as const;

export async function backboneFiles(tf: Tf, name: BackboneName): Promise<BackboneFiles> {
  const inputs = tf.input({ shape: [null, null, 3] });
  const build = { mobilenet_v2: mobileNetV2, resnet18: resNet18, resnet50: resNet50 }[name];
  const model = tf.model({ inputs, outputs: build(new Layers(tf), inputs) });
  const files = await filesOfModel(tf, model);
  model.dispose();
  return files;
}

/** The same weights every time. */
class Layers {
  private seed = 1;

  constructor(private readonly tf: Tf) {}

  conv(x: SymbolicTensor, filters: number, kernelSize: number, strides = 1): SymbolicTensor {
    const kernelInitializer = this.tf.initializers.heNormal({ seed: this.seed++ });
    const biasInitializer = this.bias();
    const options = { filters, kernelSize, strides, padding: "same", kernelInitializer, biasInitializer } as const;
    return this.tf.layers.conv2d(options).apply(x) as SymbolicTensor;
  }

  depthwise(x: SymbolicTensor, strides: number): SymbolicTensor {
    const stddev = Math.sqrt(2 / 9);
    const depthwiseInitializer = this.tf.initializers.randomNormal({ mean: 0, stddev, seed: this.seed++ });
    const biasInitializer = this.bias();
    const options = { kernelSize: 3, strides, padding: "same", depthwiseInitializer, biasInitializer } as const;
    return this.tf.layers.depthwiseConv2d(options).apply(x) as SymbolicTensor;
  }

  /** Not 0: TensorFlow leaves out the addition of a constant 0, which no trained network and no peer has. */
  private bias() {
    return this.tf.initializers.randomNormal({ mean: 0, stddev: 0.05, seed: this.seed++ });
  }

  relu(x: SymbolicTensor, maxValue?: number): SymbolicTensor {
    return this.tf.layers.reLU(maxValue === undefined ? {} : { maxValue }).apply(x) as SymbolicTensor;
  }

  add(a: SymbolicTensor, b: SymbolicTensor): SymbolicTensor {
    return this.tf.layers.add().apply([a, b]) as SymbolicTensor;
  }

  halve(x: SymbolicTensor): SymbolicTensor {
    return this.tf.layers.maxPooling2d({ poolSize: 3, strides: 2, padding: "same" }).apply(x) as SymbolicTensor;
  }
}

function mobileNetV2(layers: Layers, image: SymbolicTensor): SymbolicTensor {
  let x = layers.relu(layers.conv(image, 32, 3, 2), 6);
  let from = 32;
  for (const [factor, to, count, first] of mobileNetRows) {
    for (let i = 0; i < count; i++) {
      const stride = i === 0 ? first : 1;
      const inner = from * factor;
      const wide = factor === 1 ? x : layers.relu(layers.conv(x, inner, 1), 6);
      const narrow = layers.conv(layers.relu(layers.depthwise(wide, stride), 6), to, 1);
      x = stride === 1 && from === to ? layers.add(x, narrow) : narrow;
      from = to;
    }
  }
  return layers.relu(layers.conv(x, 1280, 1), 6);
}

/** He 2016, table 1. */
function resNet18(layers: Layers, image: SymbolicTensor): SymbolicTensor {
  let x = layers.halve(layers.relu(layers.conv(image, 64, 7, 2)));
  let from = 64;
  for (const to of [64, 128, 256, 512]) {
    for (let i = 0; i < 2; i++) {
      const stride = i === 0 && to !== 64 ? 2 : 1;
      const y = layers.conv(layers.relu(layers.conv(x, to, 3, stride)), to, 3);
      x = layers.relu(layers.add(y, from === to ? x : layers.conv(x, to, 1, stride)));
      from = to;
    }
  }
  return x;
}

/** He 2016, table 1; a block's stride is in its middle convolution, as PyTorch's models have it. */
function resNet50(layers: Layers, image: SymbolicTensor): SymbolicTensor {
  let x = layers.halve(layers.relu(layers.conv(image, 64, 7, 2)));
  for (const [inner, count] of [
    [64, 3],
    [128, 4],
    [256, 6],
    [512, 3],
  ] as const) {
    for (let i = 0; i < count; i++) {
      const stride = i === 0 && inner !== 64 ? 2 : 1;
      const middle = layers.relu(layers.conv(layers.relu(layers.conv(x, inner, 1)), inner, 3, stride));
      const shortcut = i === 0 ? layers.conv(x, 4 * inner, 1, stride) : x;
      x = layers.relu(layers.add(layers.conv(middle, 4 * inner, 1), shortcut));
    }
  }
  return x;
}
