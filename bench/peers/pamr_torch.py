"""PAMR in PyTorch after the authors' pamr.py (Araslanov and Roth 2020): neighbours by dilated convolutions."""
import numpy
import torch
from torch.nn import functional as F

from answer import answer, given_work

work = given_work()
size = work["size"]
dilations = [1, 2, 4, 8, 12, 24]
torch.set_num_threads(work["threads"])
photo = torch.from_numpy(numpy.fromfile(work["photo"], numpy.uint8).reshape(1, size, size, 3)).permute(0, 3, 1, 2).float()
mask = torch.rand(1, 3, size, size)

around = [i for i in range(9) if i != 4]
copies = torch.eye(9).view(9, 1, 3, 3)
differences = copies[4] - copies[around]


def neighbours(x, kernels):
    """[1, C, H, W] -> [1, C, P, H, W]"""
    planes = x.view(-1, 1, size, size)
    found = [F.conv2d(F.pad(planes, [d] * 4, mode="replicate"), kernels, dilation=d) for d in dilations]
    return torch.cat(found, 1).view(1, x.shape[1], -1, size, size)


@torch.inference_mode()
def refine():
    deviation = neighbours(photo, copies).std(2, keepdim=True)
    affinity = -neighbours(photo, differences).abs() / (1e-8 + 0.1 * deviation)
    weights = affinity.mean(1, keepdim=True).softmax(2)
    refined = mask
    for _ in range(10):
        refined = (neighbours(refined, copies[around]) * weights).sum(2)
    refined.numpy()
    return 1


answer(f"PyTorch {torch.__version__}", refine)
