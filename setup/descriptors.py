"""Prints the file descriptors that the modules of a protobuf package embed, each after its length (4 bytes, little-endian).

Usage: descriptors.py FOLDER
"""

import ast
import pathlib
import re
import struct
import sys

EMBEDDED = re.compile(r"AddSerializedFile\((b'(?:[^'\\]|\\.)*')\)", re.DOTALL)

for path in sorted(pathlib.Path(sys.argv[1]).rglob("*_pb2.py")):
    found = EMBEDDED.search(path.read_text(encoding="utf-8"))
    if found:
        data = ast.literal_eval(found.group(1))
        sys.stdout.buffer.write(struct.pack("<I", len(data)) + data)
