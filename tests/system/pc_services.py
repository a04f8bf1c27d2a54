"""Our BIOS in the emulated PC (docs/firmware.md): a program on a disk asks all its services."""

import dataclasses

import emulator
from guest.boot_disk import CYLINDER
from harness.boot import TROUBLE, Boot
from harness.test import run_program

from .child import AUTORUN_PASSED
from .firmware import SERVICES
from .pc_linux import IMAGE_OPTIONS
from .platforms import BOCHS, QEMU

DISK_SIZE = 41 * CYLINDER  # some 20 MiB


@dataclasses.dataclass
class PcServices(Boot):
    """Boots, and starts a PC from a disk that has nothing but the program."""

    def run(self, context):
        directory = context.directory.resolve()
        disk = directory / "disk.img"
        run_program(context, ["nasm", "-f", "bin", "-Werror", "-DWRITABLE", "-o", str(disk), SERVICES],
                    30, directory / "build.log")  # fmt: skip
        with open(disk, "r+b") as file:
            file.truncate(DISK_SIZE)
        machine = {**self.machine, "disks": (emulator.Disk(disk),)}
        Boot.run(dataclasses.replace(self, machine=machine), context)
        disk.unlink()


def boot(name, machine, **fields):
    commands = ("child machine=pc disk=disk0 memory=64", "poweroff")
    return PcServices(f"pc-services-{name}", {"memory": 512, "cpus": 2, **machine}, commands=commands,
                      image_options=IMAGE_OPTIONS, must=(r"^BIOS tests: 0 failures$", AUTORUN_PASSED),
                      must_not=(*TROUBLE, r"^AUTORUN FAIL", r"^FAIL "), **fields)  # fmt: skip


TESTS = [boot("svm", QEMU, time_limit=60), boot("vmx", BOCHS, time_limit=120)]
