"""What pycocotools and Pillow, which we did not write, see in an export: one line of JSON.

usage: read_coco.py ANNOTATIONS.json MASKS_DIR
Pixels differ: how many of all masks' pixels have another class than in the PNG of the same name.
"""
import contextlib
import json
import pathlib
import sys

import numpy
from PIL import Image
from pycocotools import mask as runs
from pycocotools.coco import COCO

with contextlib.redirect_stdout(sys.stderr):
    coco = COCO(sys.argv[1])
masks = pathlib.Path(sys.argv[2])
found = {"images": len(coco.imgs), "objects": len(coco.anns), "pixels": 0, "differ": 0, "areas": 0, "boxes": 0, "modes": []}
for image in coco.loadImgs(coco.getImgIds()):
    png = Image.open(masks / pathlib.Path(image["file_name"]).with_suffix(".png"))
    truth = numpy.array(png)
    drawn = numpy.zeros_like(truth)
    for annotation in coco.loadAnns(coco.getAnnIds(imgIds=image["id"])):
        one = coco.annToMask(annotation).astype(bool)
        drawn[one] = annotation["category_id"]
        encoded = coco.annToRLE(annotation)
        found["areas"] += int(runs.area(encoded) != annotation["area"])
        found["boxes"] += int(list(runs.toBbox(encoded)) != annotation["bbox"])
    known = truth != 255
    found["pixels"] += int(known.sum())
    found["differ"] += int((drawn != truth)[known].sum())
    if png.mode not in found["modes"]:
        found["modes"].append(png.mode)
print(json.dumps(found))
