"""Memtest86+ of Debian's package on the emulated PC: its CD boots, and it tests a small memory."""

import dataclasses

from guest import debian

from .pc_guest import PcGuest
from .platforms import QEMU

IMAGE = "usr/lib/memtest86+/memtest86+x64.iso"


@dataclasses.dataclass
class Memtest(PcGuest):
    def prepare(self, context):
        return {"memtest.iso": (debian.unpacked(context.build, "memtest86+") / IMAGE).read_bytes()}


# The last test of a pass lets the memory rest for 80 s: what is before it has to do.
STEPS = ((None, r"Memtest86\+ v6"), (None, r"Test #10[\s\S]*Pass: +0 +Errors: 0$"))

TESTS = [Memtest("pc-memtest-svm", {**QEMU, "cpus": 2}, STEPS, options="memory=16 cd=/memtest.iso boot=d", seconds=55)]
