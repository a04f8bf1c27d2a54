"""When a loader comes to a kernel: the same kernel, whose first instructions print that and end it.

The file has the size and the header of the kernel's, so a loader does the same work for both.
"""

import re
import struct

from . import debian
from .linux import SOURCES

# Linux's boot protocol: the header's field setup_sects, and the entry of 64 bits behind that of 32.
SETUP_SECTS, SECTOR, ENTRY_64 = 0x1F1, 512, 0x200

_TICKS = re.compile(r"\bTICKS (entry|init) (0x[0-9a-f]+|\d+)")


def make(build, kernel):
    """Returns the changed copy of a kernel; any thread."""
    with debian.only_one(build / "guest"):
        code = build / "guest" / "entry.bin"
        debian.run(["nasm", "-f", "bin", "-Werror", "-o", str(code), str(SOURCES / "entry.asm")])
        image = bytearray(kernel.read_bytes())
        (sectors,) = struct.unpack_from("<B", image, SETUP_SECTS)
        for entry in (0, ENTRY_64):
            start = (sectors + 1) * SECTOR + entry
            content = code.read_bytes()
            assert len(content) <= ENTRY_64
            image[start:start + len(content)] = content
        result = build / "guest" / "entry-probe"
        result.write_bytes(image)
    return result


def ticks(text):
    """What the probe and the guest's init have said, by name: "entry" and "init"."""
    return {name: int(value, 0) for name, value in _TICKS.findall(text)}
