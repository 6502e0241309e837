"""Photos from disk to training crops as torchvision's transforms do it, on PIL, in two worker processes of a DataLoader."""
import pathlib
import random

import numpy
import PIL
import torch
from PIL import Image, ImageEnhance
from torch.utils.data import DataLoader, Dataset

from answer import answer, given_work

work = given_work()
size = work["size"]


class Photos(Dataset):
    def __init__(self):
        kinds = {".jpg", ".jpeg", ".png"}
        self.paths = sorted(p for p in pathlib.Path(work["photos"]).rglob("*") if p.suffix.lower() in kinds)

    def __len__(self):
        return 10_000_000

    def __getitem__(self, index):
        with Image.open(self.paths[index % len(self.paths)]) as photo:
            whole = photo.convert("RGB").resize((size, size), Image.Resampling.BILINEAR)
        return tensor(lit(cropped(whole)))


def cropped(photo):
    """RandomResizedCrop and RandomHorizontalFlip."""
    side = size * random.uniform(0.6, 1)
    x, y = (random.uniform(0, size - side) for _ in range(2))
    crop = photo.resize((size, size), Image.Resampling.BILINEAR, box=(x, y, x + side, y + side))
    return crop.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if random.random() < 0.5 else crop


def lit(photo):
    """ColorJitter(brightness, contrast) and RandomGrayscale."""
    photo = ImageEnhance.Brightness(photo).enhance(random.uniform(0.7, 1.3))
    photo = ImageEnhance.Contrast(photo).enhance(random.uniform(0.7, 1.3))
    return photo.convert("L").convert("RGB") if random.random() < 0.1 else photo


def tensor(photo):
    """ToTensor and Normalize."""
    pixels = torch.from_numpy(numpy.array(photo)).permute(2, 0, 1).contiguous()
    return pixels.float().div_(127.5).sub_(1)


torch.set_num_threads(1)
batches = iter(DataLoader(Photos(), batch_size=work["batch"], num_workers=2))
answer(f"Pillow {PIL.__version__}", lambda: len(next(batches)))
