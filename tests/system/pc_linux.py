"""Stock Linux on the emulated PC, which hides the hypervisor: a BIOS starts GRUB from an IDE disk, and that
the kernel (docs/worker.md)."""

import dataclasses
import hashlib
import os

import emulator
from guest import boot_disk, debian, linux, server, steps
from harness.boot import TROUBLE, Boot, read_text
from harness.session import Session
from harness.test import Failure

from .child import AUTORUN_PASSED, MODULES
from .console import PROMPT
from .linux_guest import PANIC, check_file_system, judge
from .platforms import BOCHS, QEMU

FIRMWARE = "--module=BUILD/firmware.bin=firmware"
IMAGE_OPTIONS = (*MODULES, FIRMWARE)
# Another BIOS, which brings no program for the VGA.
BOCHS_BIOS = tuple(f"--module={os.path.realpath(f'/usr/share/bochs/{file}-latest')}={name}"
                   for file, name in (("BIOS-bochs", "bios"), ("VGABIOS-lgpl", "vgabios")))  # fmt: skip
DATA_SIZE = 32 * boot_disk.CYLINDER
# The disc in its drive is the one that Veneer boots from.
CD_FILE = "boot/parent.elf"
CHILD = "child machine=pc disk=disk0"
KEY_LEAVE = "\x1d"


def make_disk(context, path, package, words):
    words = f"console=ttyS0 quiet root_disk=/dev/sda1 disk=sda2 mib=8 {words}"
    try:
        boot_disk.make(path, linux.make(context.build, package), words, DATA_SIZE)
    except debian.Missing as error:
        raise Failure(f"no stock guest: {error}") from error


@dataclasses.dataclass
class PcLinux(Boot):
    """Boots, and starts a PC with a disk that has GRUB, the guest, and a partition for its steps."""

    steps: tuple = ("info",)
    options: str = ""
    package: str = debian.KERNEL
    before: tuple = ()  # commands of the console

    def run(self, context):
        directory = context.directory.resolve()
        disk = directory / "boot.img"
        with server.serving() as url:
            cd = hashlib.sha256((context.build / "iso" / "parent.elf").read_bytes()).hexdigest()
            make_disk(context, disk, self.package,
                      f"steps={','.join(self.steps)} url={url} cd_file={CD_FILE} cd_hash={cd}")
            machine = {**self.machine, "disks": (emulator.Disk(disk),)}
            commands = (*self.before, "onerror continue", f"{CHILD} memory=192 {self.options}", "poweroff")
            Boot.run(dataclasses.replace(self, machine=machine, commands=commands), context)
        text = read_text(directory / "serial.log")
        judge(text, self.steps)
        if "disk-make" in self.steps:
            data = directory / "data.img"
            data.write_bytes(disk.read_bytes()[-DATA_SIZE:])
            check_file_system(context, data, steps.words(text, "disk-make"))
            data.unlink()
        disk.unlink()


@dataclasses.dataclass
class PowerButton(Session):
    """Its power button is pressed, and the guest switches itself off."""

    def run(self, context):
        disk = context.directory.resolve() / "boot.img"
        make_disk(context, disk, debian.KERNEL, "steps=button")
        machine = {**self.machine, "disks": (emulator.Disk(disk),)}
        Session.run(dataclasses.replace(self, machine=machine), context)
        disk.unlink()


def guest(name, machine, *guest_steps, **fields):
    fields.setdefault("time_limit", 240)
    fields.setdefault("must", (AUTORUN_PASSED, r"^GRUB is there$"))
    fields.setdefault("image_options", IMAGE_OPTIONS)
    return PcLinux(f"pc-linux-{name}", {"memory": 1024, "cpus": 2, **machine}, steps=guest_steps,
                   must_not=(*TROUBLE, r"^AUTORUN FAIL", PANIC), **fields)  # fmt: skip


NETWORK = {"nics": (emulator.Nic(),)}
OUT = ("switch create out external net0",)

TESTS = [
    # A file on the root file system is the same after the guest has started the machine again.
    guest("disk-svm", QEMU, "root-file", "restart", "info", "dmesg", "timer", "dma", "cd", "disk-make",
          "disk-verify", options="cd=cd0", must=(AUTORUN_PASSED, r"STEP info ok .*, cpus 1,")),
    guest("network-2vp-svm", {**QEMU, **NETWORK}, "restart", "info", "cpus", "dmesg", "dhcp", "ping", "tcp",
          before=OUT, options="switch=out vps=2", must=(AUTORUN_PASSED, r"STEP info ok .*, cpus 2,")),
    # The same disk with a bus: its root file system and the network are there.
    guest("vmbus-svm", {**QEMU, **NETWORK}, "bus", "root-file", "dhcp", "ping", before=OUT,
          options="switch=out vps=2 vmbus", package=debian.CLOUD_KERNEL),
    guest("bochs-bios-svm", QEMU, "info", "dma", image_options=(*MODULES, *BOCHS_BIOS),
          options="firmware=bios optionrom=vgabios"),
    PowerButton("pc-linux-button-svm", {"memory": 1024, "cpus": 2, **QEMU}, (
        ("", PROMPT),
        (f"{CHILD} name=a memory=192\r", PROMPT),
        ("vm console a\r", r"STEP button begins"),
        (KEY_LEAVE, PROMPT),
        ("vm button a\r", PROMPT),
        ("vm wait a\r", PROMPT),
        ("vm list\r", rf"(?!.*\ba\b.*)[\s\S]*{PROMPT}")),
        store=None, image_options=IMAGE_OPTIONS, seconds=120, time_limit=240),
    guest("boot-vmx", BOCHS, "info", "dmesg", "dma", package=debian.CLOUD_KERNEL),
]  # fmt: skip
