"""iPXE of Debian's package on the emulated PC: its driver of the network card gets an address from the
emulator's network, fetches a program by TFTP and starts it."""

import dataclasses

import emulator
from guest import debian
from harness.test import run_program

from .pc_guest import PcGuest
from .platforms import QEMU

IMAGE = "usr/lib/ipxe/ipxe.iso"
PROGRAM = "tests/guest/pc_netboot.asm"
SERVER = "10.0.2.2"  # QEMU's network


@dataclasses.dataclass
class Ipxe(PcGuest):
    def prepare(self, context):
        served = (context.directory / "served").resolve()
        served.mkdir()
        run_program(context, ["nasm", "-f", "bin", "-o", str(served / "program"), PROGRAM], 30,
                    context.directory / "build.log")  # fmt: skip
        self.machine = {**self.machine, "nics": (emulator.Nic(files=served),)}
        return {"ipxe.iso": (debian.unpacked(context.build, "ipxe") / IMAGE).read_bytes()}


STEPS = (
    (None, r"Ctrl-B"),
    ("vm keys pc ctrl-b", ""),
    (None, r"^iPXE> *$"),
    ('vm type pc "dhcp\\n"', ""),
    (None, r"Configuring \(net0 [0-9a-f:]{17}\)\.* ok$"),
    (f'vm type pc "chain tftp://{SERVER}/program\\n"', ""),
    (None, r"started from the network"),
)  # fmt: skip

TESTS = [
    Ipxe("pc-ipxe-svm", {**QEMU, "cpus": 2}, STEPS, before=("switch create out external net0",),
         options="memory=32 cd=/ipxe.iso switch=out boot=d", seconds=45),
]
