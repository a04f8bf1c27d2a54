"""Debian's Linux on the emulated PC, as on a machine of its own: a BIOS, GRUB, an IDE disk (docs/testing.md)."""

import dataclasses
import hashlib
import shutil

import emulator
from guest import boot_disk, debian, server
from harness.boot import TROUBLE, Boot, read_text
from harness.session import Session
from harness.test import Failure, run_program

from .child import AUTORUN_PASSED, MODULES
from .linux_guest import PANIC, judge, make_guest
from .platforms import BOCHS, QEMU

BOCHS_BIOS = {"bios": "/usr/share/bochs/BIOS-bochs-latest", "vgabios": "/usr/share/bochs/VGABIOS-lgpl-latest"}
CHILD = "child machine=pc firmware=/bios optionrom=/vgabios disk=/boot.img memory=192"
WORDS = "console=ttyS0 quiet root_disk=/dev/sda1 modules=emulated"
CD = b"".join(hashlib.sha256(i.to_bytes(4, "little")).digest() for i in range(32 << 10))  # 1 MiB


def make_disk(context, words):
    """The boot disk in the test's directory; its kernel gets those words."""
    guest = make_guest(context, debian.KERNEL)
    try:
        return boot_disk.make(context.directory, guest, words)
    except debian.Missing as error:
        raise Failure(f"no disk to boot from: {error}") from error


def make_cd(context, image):
    source = context.directory / "cd"
    source.mkdir()
    (source / "data").write_bytes(CD)
    run_program(context, ["xorriso", "-as", "mkisofs", "-quiet", "-o", str(image), str(source)], 30,
                context.directory / "images.log")  # fmt: skip
    shutil.rmtree(source)


@dataclasses.dataclass
class PcLinux(Boot):
    """Boots the guest from its disk once; each step has to be ok."""

    steps: tuple = ()
    options: str = ""  # of the child
    words: str = ""  # more for the kernel
    cd: bool = False  # the machine has one
    before: tuple = ()  # commands of the console

    def run(self, context):
        with server.serving() as url:
            store = self._make_store(context, url)
            options = f"{self.options} cd=/data.iso" if self.cd else self.options
            boot = dataclasses.replace(
                self, machine={**self.machine, "disks": (emulator.Disk(store),)},
                commands=(*self.before, "onerror continue", f"{CHILD} {options}", "poweroff"))  # fmt: skip
            Boot.run(boot, context)
        judge(read_text(context.directory / "serial.log"), self.steps)
        store.unlink()

    def _make_store(self, context, url):
        folder = context.directory / "store"
        folder.mkdir()
        words = f"{WORDS} mib=8 url={url} file_hash={hashlib.sha256(CD).hexdigest()} {self.words}"
        make_disk(context, f"{words} steps={','.join(self.steps)}").rename(folder / "boot.img")
        for name, path in BOCHS_BIOS.items():
            shutil.copy(path, folder / name)
        if self.cd:
            make_cd(context, folder / "data.iso")
        store = (context.directory / "store.img").resolve()
        run_program(context, ["tools/mkstore", "--size", "64", str(store), str(folder)], 60,
                    context.directory / "images.log")  # fmt: skip
        shutil.rmtree(folder)
        return store


def guest(name, machine, *guest_steps, **fields):
    fields.setdefault("time_limit", 240)
    fields.setdefault("must", (AUTORUN_PASSED,))
    return PcLinux(f"pc-linux-{name}", {"memory": 1024, "cpus": 2, **machine}, steps=guest_steps,
                   must_not=(*TROUBLE, r"^AUTORUN FAIL", PANIC), image_options=MODULES, **fields)


NETWORK = {"nics": (emulator.Nic(),)}
OUT = ("switch create out external net0",)

TESTS = [
    # A file on the root file system is the same after the guest has started the machine again.
    guest("disk-svm", QEMU, "root-file", "restart", "info", "dmesg", "timer", "dma", "cd", cd=True,
          must=(AUTORUN_PASSED, r"STEP info ok .*, cpus 1,")),
    guest("network-2vp-svm", {**QEMU, **NETWORK}, "info", "cpus", "dmesg", "dhcp", "ping", "tcp",
          before=OUT, options="switch=out vps=2", must=(AUTORUN_PASSED, r"STEP info ok .*, cpus 2,")),
    guest("boot-vmx", BOCHS, "info", "dma"),
]
