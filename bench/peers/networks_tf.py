"""The networks of bench/ours/network.ts in TensorFlow: DFN on MobileNetV2 or ResNet-18, random weights and biases, NHWC. Layers,
widths and strides are those of networks.py, padding is "SAME" as in ours."""
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

# Of backbone and DFN with 64 channels and 3 labels: what networks.py has.
parameter_counts = {"mobilenet_v2": 3086691, "resnet18": 11923587}


def drawn(shape, fan_in):
    """PyTorch's default for kernels and biases."""
    return tf.Variable(tf.random.uniform(shape, -1, 1) / fan_in**0.5)


class Conv(tf.Module):
    def __init__(self, width, out, side, stride=1, bias=True):
        super().__init__()
        self.stride = stride
        self.kernel = drawn([side, side, width, out], side * side * width)
        self.bias = drawn([out], side * side * width) if bias else None

    def __call__(self, x):
        y = tf.nn.conv2d(x, self.kernel, self.stride, "SAME")
        return y if self.bias is None else tf.nn.bias_add(y, self.bias)


class Depthwise(tf.Module):
    def __init__(self, width, stride):
        super().__init__()
        self.strides = [1, stride, stride, 1]
        self.kernel = drawn([3, 3, width, 1], 9)
        self.bias = drawn([width], 9)

    def __call__(self, x):
        return tf.nn.bias_add(tf.nn.depthwise_conv2d(x, self.kernel, self.strides, "SAME"), self.bias)


class Dense(tf.Module):
    def __init__(self, width, out):
        super().__init__()
        self.kernel = drawn([width, out], width)
        self.bias = drawn([out], width)

    def __call__(self, x):
        return tf.nn.bias_add(x @ self.kernel, self.bias)


class MobileNetV2(tf.Module):
    """Norms folded into biases, as in the file; taps: the last activation at strides 4, 8, 16 and 32."""

    widths = [144, 192, 576, 1280]
    rows = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]

    def __init__(self):
        super().__init__()
        self.stem = Conv(3, 32, 3, 2)
        self.blocks = []
        width = 32
        for factor, out, count, stride in self.rows:
            for i in range(count):
                self.blocks.append(Block(width, width * factor, out, stride if i == 0 else 1))
                width = out
        self.top = Conv(width, 1280, 1)

    def __call__(self, image):
        x = tf.nn.relu6(self.stem(image))
        last = {}
        for block in self.blocks:
            x = block(x, last)
        top = tf.nn.relu6(self.top(x))
        last[top.shape[1]] = top
        return [last[image.shape[1] // stride] for stride in (4, 8, 16, 32)]


class Block(tf.Module):
    def __init__(self, width, inner, out, stride):
        super().__init__()
        self.expand = Conv(width, inner, 1) if inner != width else None
        self.depthwise = Depthwise(inner, stride)
        self.project = Conv(inner, out, 1)
        self.is_residual = stride == 1 and width == out

    def __call__(self, x, last):
        y = x
        if self.expand is not None:
            y = tf.nn.relu6(self.expand(y))
            last[y.shape[1]] = y
        y = tf.nn.relu6(self.depthwise(y))
        last[y.shape[1]] = y
        y = self.project(y)
        return x + y if self.is_residual else y


class ResNet18(tf.Module):
    """Norms folded into biases; taps: the ends of the four stages."""

    widths = [64, 128, 256, 512]

    def __init__(self):
        super().__init__()
        self.stem = Conv(3, 64, 7, 2)
        self.stages = []
        width = 64
        for out in self.widths:
            stride = 1 if len(self.stages) == 0 else 2
            self.stages.append([Basic(width, out, stride), Basic(out, out, 1)])
            width = out

    def __call__(self, image):
        x = tf.nn.max_pool2d(tf.nn.relu(self.stem(image)), 3, 2, "SAME")
        taps = []
        for stage in self.stages:
            for block in stage:
                x = block(x)
            taps.append(x)
        return taps


class Basic(tf.Module):
    def __init__(self, width, out, stride):
        super().__init__()
        self.a = Conv(width, out, 3, stride)
        self.b = Conv(out, out, 3)
        self.shortcut = Conv(width, out, 1, stride) if width != out else tf.identity

    def __call__(self, x):
        return tf.nn.relu(self.b(tf.nn.relu(self.a(x))) + self.shortcut(x))


class GroupNorm(tf.Module):
    """TensorFlow has no kernel of it: moments of every channel, then one multiply-add; a gradient by hand was no quicker."""

    def __init__(self, width):
        super().__init__()
        self.groups = [width // 8, 8]
        self.gamma = tf.Variable(tf.ones([width]))
        self.beta = tf.Variable(tf.zeros([width]))

    def __call__(self, x):
        n, _, _, width = x.shape
        mean, square = (tf.reshape(tf.reduce_mean(v, [1, 2]), [n, *self.groups]) for v in (x, tf.square(x)))
        mean, square = (tf.reduce_mean(v, 2, keepdims=True) for v in (mean, square))
        inverse = tf.math.rsqrt(square - tf.square(mean) + 1e-5)
        scale = inverse * tf.reshape(self.gamma, self.groups)
        shift = tf.reshape(self.beta, self.groups) - mean * scale
        scale, shift = (tf.reshape(v, [n, 1, 1, width]) for v in (scale, shift))
        return x * scale + shift


class Residual(tf.Module):
    def __init__(self, width, out):
        super().__init__()
        self.unify = Conv(width, out, 1)
        self.a = Conv(out, out, 3, bias=False)
        self.norm = GroupNorm(out)
        self.b = Conv(out, out, 3, bias=False)

    def __call__(self, x):
        x = self.unify(x)
        return tf.nn.relu(x + self.b(tf.nn.relu(self.norm(self.a(x)))))


class Attention(tf.Module):
    def __init__(self, width):
        super().__init__()
        self.a = Dense(2 * width, width)
        self.b = Dense(width, width)

    def __call__(self, low, high):
        pooled = tf.concat([tf.reduce_mean(low, [1, 2]), tf.reduce_mean(high, [1, 2])], 1)
        scores = tf.sigmoid(self.b(tf.nn.relu(self.a(pooled))))
        return low * scores[:, None, None, :] + high


class SmoothNetwork(tf.Module):
    def __init__(self, widths, channels, labels):
        super().__init__()
        self.top = Conv(widths[3], channels, 1)
        self.enter = [Residual(width, channels) for width in widths]
        self.attend = [Attention(channels) for _ in widths]
        self.leave = [Residual(channels, channels) for _ in widths]
        self.head = Conv(channels, labels, 1)

    def __call__(self, taps):
        high = tf.nn.relu(self.top(tf.reduce_mean(taps[3], [1, 2], keepdims=True)))
        for i in (3, 2, 1, 0):
            low = self.enter[i](taps[i])
            high = tf.image.resize(high, low.shape[1:3])
            high = self.leave[i](self.attend[i](low, high))
        return self.head(high)


def open_network(work, labels=3):
    """Backbone and network as `work` says."""
    tf.config.threading.set_intra_op_parallelism_threads(work["threads"])
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.random.set_seed(0)
    backbone = {"mobilenet_v2": MobileNetV2, "resnet18": ResNet18}[work["network"]]()
    network = SmoothNetwork(backbone.widths, work["channels"], labels)
    if (work["channels"], labels) == (64, 3):
        count = sum(variable.shape.num_elements() for part in (backbone, network) for variable in part.variables)
        assert count == parameter_counts[work["network"]]
    return backbone, network


def frozen(function, argument):
    """With parameters as constants of the graph, which TensorFlow prepares once: a few percent quicker."""
    return convert_variables_to_constants_v2(tf.function(function).get_concrete_function(argument))
