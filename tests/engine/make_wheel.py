"""Writes a wheel for a test: make_wheel.py WHEEL NAME=FILE... [Requires-Dist=LINE...]"""

import shutil
import sys
import zipfile

path, *entries = sys.argv[1:]
metadata = ["Metadata-Version: 2.1", "Name: test", "Version: 1"]
with zipfile.ZipFile(path, "w") as wheel:
    for entry in entries:
        name, _, value = entry.partition("=")
        if name == "Requires-Dist":
            metadata.append(f"Requires-Dist: {value}")
        else:
            # Not wheel.write: that mends names which lead elsewhere.
            with open(value, "rb") as source, wheel.open(zipfile.ZipInfo(name), "w", force_zip64=True) as sink:
                shutil.copyfileobj(source, sink, 1 << 20)
    wheel.writestr("test-1.dist-info/METADATA", "\n".join(metadata) + "\n")
