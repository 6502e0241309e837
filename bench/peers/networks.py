"""The networks of bench/ours/network.ts in PyTorch: DFN on MobileNetV2, ResNet-18 or ResNet-50, random weights, channels last."""
import torch
from torch import nn
from torch.nn import functional as F


class MobileNetV2(nn.Module):
    """Norms folded into biases, as in the file; taps: the last activation at strides 4, 8, 16 and 32."""

    widths = [144, 192, 576, 1280]
    rows = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 32, 3, 2, 1)
        self.blocks = nn.ModuleList()
        width = 32
        for factor, out, count, stride in self.rows:
            for i in range(count):
                self.blocks.append(Block(width, width * factor, out, stride if i == 0 else 1))
                width = out
        self.top = nn.Conv2d(width, 1280, 1)

    def forward(self, image):
        x = F.relu6(self.stem(image))
        last = {}
        for block in self.blocks:
            x = block(x, last)
        top = F.relu6(self.top(x))
        last[top.shape[2]] = top
        return [last[image.shape[2] // stride] for stride in (4, 8, 16, 32)]


class Block(nn.Module):
    def __init__(self, width, inner, out, stride):
        super().__init__()
        self.expand = nn.Conv2d(width, inner, 1) if inner != width else None
        self.depthwise = nn.Conv2d(inner, inner, 3, stride, 1, groups=inner)
        self.project = nn.Conv2d(inner, out, 1)
        self.is_residual = stride == 1 and width == out

    def forward(self, x, last):
        y = x
        if self.expand is not None:
            y = F.relu6(self.expand(y))
            last[y.shape[2]] = y
        y = F.relu6(self.depthwise(y))
        last[y.shape[2]] = y
        y = self.project(y)
        return x + y if self.is_residual else y


class ResNet(nn.Module):
    """Norms folded into biases; taps: the ends of the four stages."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 64, 7, 2, 3)
        self.stages = nn.ModuleList()
        width = 64
        for out, count in zip(self.widths, self.counts):
            stride = 1 if len(self.stages) == 0 else 2
            blocks = [self.block(width if i == 0 else out, out, stride if i == 0 else 1) for i in range(count)]
            self.stages.append(nn.Sequential(*blocks))
            width = out

    def forward(self, image):
        x = F.max_pool2d(F.relu(self.stem(image)), 3, 2, 1)
        taps = []
        for stage in self.stages:
            x = stage(x)
            taps.append(x)
        return taps


class Basic(nn.Module):
    def __init__(self, width, out, stride):
        super().__init__()
        self.a = nn.Conv2d(width, out, 3, stride, 1)
        self.b = nn.Conv2d(out, out, 3, 1, 1)
        self.shortcut = nn.Conv2d(width, out, 1, stride) if width != out else nn.Identity()

    def forward(self, x):
        return F.relu(self.b(F.relu(self.a(x))) + self.shortcut(x))


class Bottleneck(nn.Module):
    def __init__(self, width, out, stride):
        super().__init__()
        self.a = nn.Conv2d(width, out // 4, 1)
        self.b = nn.Conv2d(out // 4, out // 4, 3, stride, 1)
        self.c = nn.Conv2d(out // 4, out, 1)
        self.shortcut = nn.Conv2d(width, out, 1, stride) if width != out else nn.Identity()

    def forward(self, x):
        return F.relu(self.c(F.relu(self.b(F.relu(self.a(x))))) + self.shortcut(x))


class ResNet18(ResNet):
    widths, counts, block = [64, 128, 256, 512], [2, 2, 2, 2], Basic


class ResNet50(ResNet):
    widths, counts, block = [256, 512, 1024, 2048], [3, 4, 6, 3], Bottleneck


class Residual(nn.Module):
    def __init__(self, width, out):
        super().__init__()
        self.unify = nn.Conv2d(width, out, 1)
        self.a = nn.Conv2d(out, out, 3, padding=1, bias=False)
        self.norm = nn.GroupNorm(out // 8, out)
        self.b = nn.Conv2d(out, out, 3, padding=1, bias=False)

    def forward(self, x):
        x = self.unify(x)
        return F.relu(x + self.b(F.relu(self.norm(self.a(x)))))


class Attention(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.a = nn.Linear(2 * width, width)
        self.b = nn.Linear(width, width)

    def forward(self, low, high):
        pooled = torch.cat([low.mean((2, 3)), high.mean((2, 3))], 1)
        scores = torch.sigmoid(self.b(F.relu(self.a(pooled))))
        return low * scores[:, :, None, None] + high


class SmoothNetwork(nn.Module):
    def __init__(self, widths, channels, labels):
        super().__init__()
        self.top = nn.Conv2d(widths[3], channels, 1)
        self.enter = nn.ModuleList([Residual(width, channels) for width in widths])
        self.attend = nn.ModuleList([Attention(channels) for _ in widths])
        self.leave = nn.ModuleList([Residual(channels, channels) for _ in widths])
        self.head = nn.Conv2d(channels, labels, 1)

    def forward(self, taps):
        high = F.relu(self.top(taps[3].mean((2, 3), keepdim=True)))
        for i in (3, 2, 1, 0):
            low = self.enter[i](taps[i])
            high = F.interpolate(high, low.shape[2:], mode="bilinear", align_corners=False)
            high = self.leave[i](self.attend[i](low, high))
        return self.head(high)


def open_network(work, labels=3):
    """Backbone and network as `work` says."""
    torch.set_num_threads(work["threads"])
    torch.set_num_interop_threads(1)
    torch.manual_seed(0)
    backbone = {"mobilenet_v2": MobileNetV2, "resnet18": ResNet18, "resnet50": ResNet50}[work["network"]]()
    backbone.requires_grad_(work["backbone"] == "trained")
    network = SmoothNetwork(backbone.widths, work["channels"], labels)
    backbone, network = (part.to(memory_format=torch.channels_last) for part in (backbone, network))
    with torch.no_grad():
        taps = backbone(torch.zeros(1, 3, work["size"], work["size"]))
    assert [tap.shape[1] for tap in taps] == backbone.widths
    return backbone, network


def images(work):
    shape = work["batch"], 3, work["size"], work["size"]
    return torch.rand(shape).to(memory_format=torch.channels_last) * 2 - 1


def enlarged(logits, size):
    return F.interpolate(logits, (size, size), mode="bilinear", align_corners=False)
