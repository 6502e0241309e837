"""The training step of bench/step.ts in PyTorch eager: the same network, sizes, loss and optimiser, random weights and data.

Answers one line of JSON per line of standard input, {"seconds": S}: computes for S seconds.
usage: step_torch.py --batch 8 --crop 256 --channels 64 --threads 2 --backbone trained|frozen
"""
import argparse
import json
import resource
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F

parser = argparse.ArgumentParser()
for name, kind in [("batch", int), ("crop", int), ("channels", int), ("threads", int), ("backbone", str)]:
    parser.add_argument(f"--{name}", type=kind, required=True)
args = parser.parse_args()
torch.set_num_threads(args.threads)
torch.set_num_interop_threads(1)
torch.manual_seed(0)


class MobileNetV2(nn.Module):
    """Norms folded into biases, as in the file; taps: the last activation at strides 4, 8, 16 and 32."""

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

    def forward(self, x):
        x = F.relu6(self.stem(x))
        last = {}
        for block in self.blocks:
            x = block(x, last)
        top = F.relu6(self.top(x))
        last[top.shape[2]] = top
        return [last[args.crop // stride] for stride in (4, 8, 16, 32)]


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
        return F.interpolate(self.head(high), (args.crop, args.crop), mode="bilinear", align_corners=False)


backbone = MobileNetV2().to(memory_format=torch.channels_last)
widths = [144, 192, 576, 1280]
network = SmoothNetwork(widths, args.channels, 3).to(memory_format=torch.channels_last)
is_frozen = args.backbone == "frozen"
trained = list(network.parameters()) + ([] if is_frozen else list(backbone.parameters()))
backbone.requires_grad_(not is_frozen)
optimizer = torch.optim.AdamW(trained, lr=1e-4, weight_decay=1e-3)
x = torch.rand(args.batch, 3, args.crop, args.crop).to(memory_format=torch.channels_last) * 2 - 1
labels = torch.randint(0, 3, (args.batch, args.crop, args.crop))


def step():
    optimizer.zero_grad(set_to_none=True)
    loss = F.cross_entropy(network(backbone(x)), labels)
    loss.backward()
    optimizer.step()
    return loss.item()


with torch.no_grad():
    assert [tap.shape[1] for tap in backbone(x[:1])] == widths
for _ in range(2):
    step()
for line in sys.stdin:
    seconds = json.loads(line)["seconds"]
    started, steps = time.perf_counter(), 0
    while time.perf_counter() - started < seconds or steps < 1:
        step()
        steps += 1
    spent = time.perf_counter() - started
    rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"imagesPerSecond": steps * args.batch / spent, "rssBytes": rss, "version": torch.__version__}), flush=True)
