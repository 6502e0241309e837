"""Superpixels of one photo with scikit-image: the settings of ours."""
import numpy
import skimage
from skimage.segmentation import felzenszwalb, slic

from answer import answer, given_work

work = given_work()
size = work["size"]
photo = numpy.fromfile(work["photo"], numpy.uint8).reshape(size, size, 3)


def cut():
    if work["algorithm"] == "slic":
        slic(photo, n_segments=400, compactness=20, max_num_iter=5, start_label=0)
    else:
        felzenszwalb(photo, scale=60, sigma=0.5, min_size=round(0.0003 * size * size))
    return 1


answer(f"scikit-image {skimage.__version__}", cut)
