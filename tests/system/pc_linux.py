"""Stock Linux on the emulated PC, which hides the hypervisor: our BIOS starts GRUB from an IDE disk, and
that the kernel (docs/worker.md)."""

import dataclasses

import emulator
from guest import boot_disk, debian, linux, server, steps
from harness.boot import TROUBLE, Boot, read_text
from harness.test import Failure

from .child import AUTORUN_PASSED, MODULES
from .linux_guest import PANIC, check_file_system, judge_steps
from .platforms import BOCHS, QEMU

FIRMWARE = "--module=BUILD/firmware.bin=firmware"
# Bochs wants whole cylinders of 16 heads and 63 sectors.
CYLINDER = 16 * 63 * 512
DISK_SIZE = 128 * CYLINDER
DATA_SIZE = 32 * CYLINDER


@dataclasses.dataclass
class PcLinux(Boot):
    """Boots, and starts a PC with a disk that has GRUB, the guest, and a partition for its steps."""

    steps: tuple = ("info",)
    options: str = "memory=192"
    package: str = debian.CLOUD_KERNEL
    before: tuple = ()  # commands of the console

    def run(self, context):
        directory = context.directory.resolve()
        disk = directory / "boot.img"
        with server.serving() as url:
            self._make_disk(context, disk, url)
            self._boot(context, disk)
        text = read_text(directory / "serial.log")
        judge_steps(text, self.steps)
        if "disk-make" in self.steps:
            data = directory / "data.img"
            data.write_bytes(disk.read_bytes()[-DATA_SIZE:])
            check_file_system(context, data, steps.words(text, "disk-make"))
            data.unlink()
        disk.unlink()

    def _make_disk(self, context, disk, url):
        words = f"console=ttyS0 quiet mib=8 disk=sda2 steps={','.join(self.steps)} url={url}"
        try:
            guest = linux.make(context.build, self.package)
            boot_disk.make(disk, guest, words, DISK_SIZE, DATA_SIZE)
        except debian.Missing as error:
            raise Failure(f"no stock guest: {error}") from error

    def _boot(self, context, disk):
        machine = {**self.machine, "disks": (emulator.Disk(disk),)}
        command = f"child machine=pc disk=disk0 {self.options}"
        boot = dataclasses.replace(self, machine=machine, image_options=(*MODULES, FIRMWARE),
                                   commands=(*self.before, command, "poweroff"))  # fmt: skip
        Boot.run(boot, context)


def guest(name, machine, **fields):
    fields.setdefault("time_limit", 120)
    fields.setdefault("must", (AUTORUN_PASSED, r"^GRUB is there$"))
    return PcLinux(f"linux-pc-{name}", {"memory": 1024, "cpus": 2, **machine},
                   must_not=(*TROUBLE, r"^AUTORUN FAIL", PANIC), **fields)  # fmt: skip


TESTS = [
    guest("1vp-svm", QEMU, steps=("info", "disk-make", "disk-verify")),
    guest("2vp-svm", QEMU, steps=("reboot", "info", "cpus", "disk-many"), options="memory=192 vps=2"),
    guest("net-svm", {**QEMU, "nics": (emulator.Nic(),)}, steps=("dhcp", "ping", "tcp"),
          options="memory=192 switch=out", before=("switch create out external net0",),
          package=debian.KERNEL),
    guest("vmbus-svm", QEMU, steps=("bus", "disk-make"), options="memory=192 vps=2 vmbus"),
    guest("1vp-vmx", BOCHS, steps=("info",), time_limit=300),
]
