"""Reads CUDA wheels.

unpack-cuda.py requirements WHEEL EXTRA   prints what the wheel asks for with that extra, one requirement a line
unpack-cuda.py unpack WHEEL TARGET        takes the libraries of NVIDIA out of a wheel, as they lie in it

Of NVIDIA's wheels only shared libraries, ptxas and libdevice are needed; headers and static libraries never reach the disk.
"""

import email
import os
import shutil
import stat
import sys
import zipfile

from pip._vendor.packaging.requirements import Requirement

TOOLS = ("ptxas", "libdevice.10.bc")


def requirements(wheel, extra):
    with zipfile.ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = email.message_from_bytes(archive.read(name))
    for line in metadata.get_all("Requires-Dist") or []:
        requirement = Requirement(line)
        marker = requirement.marker
        if marker and marker.evaluate({"extra": extra}) and not marker.evaluate({"extra": ""}):
            print(f"{requirement.name}{requirement.specifier}")


def is_wanted(name):
    file = os.path.basename(name)
    return name.startswith("nvidia/") and (".so" in file and file.startswith("lib") or file in TOOLS)


def unpack(wheel, folder):
    with zipfile.ZipFile(wheel) as archive:
        for name in filter(is_wanted, archive.namelist()):
            path = os.path.normpath(os.path.join(folder, name))
            if not path.startswith(os.path.join(os.path.normpath(folder), "nvidia") + os.sep):
                sys.exit(f"{wheel}: {name} leads out of its folder")
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with archive.open(name) as source, open(path, "wb") as sink:
                shutil.copyfileobj(source, sink, 1 << 20)
            if os.path.basename(name) == "ptxas":
                os.chmod(path, os.stat(path).st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)


{"requirements": requirements, "unpack": unpack}[sys.argv[1]](*sys.argv[2:])
