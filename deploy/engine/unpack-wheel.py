"""Takes the two TensorFlow libraries and the C headers out of a wheel: unpack-wheel.py WHEEL TARGET.

The rest of the wheel (Python code, 260 MB of other headers) is not needed, so it never reaches the disk.
"""

import os
import shutil
import sys
import zipfile

LIBRARIES = ("tensorflow/libtensorflow_cc.so.2", "tensorflow/libtensorflow_framework.so.2")
HEADERS = tuple(
    "tensorflow/include/" + folder
    for folder in ("tensorflow/c/", "tensorflow/core/platform/", "tsl/", "xla/tsl/")
)


def target_of(name):
    if name in LIBRARIES:
        return os.path.join("lib", os.path.basename(name))
    if name.startswith(HEADERS) and not name.endswith("/"):
        return name[len("tensorflow/") :]
    return None


def main(wheel, folder):
    with zipfile.ZipFile(wheel) as archive:
        missing = set(LIBRARIES) - set(archive.namelist())
        if missing:
            sys.exit("not a TensorFlow wheel for Linux: it lacks " + ", ".join(sorted(missing)))
        for name in archive.namelist():
            target = target_of(name)
            if target is None:
                continue
            path = os.path.join(folder, target)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with archive.open(name) as source, open(path, "wb") as sink:
                shutil.copyfileobj(source, sink, 1 << 20)


main(sys.argv[1], sys.argv[2])
