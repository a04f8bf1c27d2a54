"""The stock guest: a Debian kernel and an initramfs that does the steps on its command line.

The steps are tests/guest/steps/*.sh; docs/testing.md lists them and what they say.
"""

import dataclasses
import pathlib

from . import debian, initramfs
from .kernel import Kernel

SOURCES = pathlib.Path(__file__).resolve().parent
# What init loads on Hyper-V's bus, and on a PC of QEMU's. Names of modules.
HYPERV = ("hv_vmbus", "hv_utils", "hyperv_keyboard", "hv_storvsc", "sd_mod", "sr_mod", "hv_netvsc")
PC = ("ata_piix", "sd_mod", "sr_mod", "virtio_pci", "virtio_net")
# Kernels for virtual machines only do not have these.
HARDWARE = ("tulip", "button", "evdev")
# ext4 asks for crc32c by the name of the algorithm, which is no dependency.
FILE_SYSTEMS = ("crc32c_generic", "ext4", "isofs")


@dataclasses.dataclass
class Guest:
    """What a boot loader needs."""

    kernel: pathlib.Path
    initramfs: pathlib.Path
    programs: dict  # what the initramfs has besides modules, as initramfs.archive() takes it

    def qemu_options(self, command_line):
        """QEMU's options that boot it without a boot loader."""
        return ["-kernel", str(self.kernel), "-initrd", str(self.initramfs),
                "-append", command_line]  # fmt: skip


def _modules(kernel):
    """The modules, and a list of names in loading order for each kind of machine."""
    files = {}
    hardware = tuple(name for name in HARDWARE if kernel.has(name))
    for machine, names in (("hyperv", HYPERV), ("pc", (*PC, *hardware))):
        modules = kernel.modules((*FILE_SYSTEMS, *names))
        files |= {f"modules/{name}.ko": (initramfs.FILE, content) for name, content in modules}
        order = "".join(f"{name}\n" for name, _ in modules)
        files[f"modules/{machine}"] = (initramfs.FILE, order.encode())
    return files


def _programs(build):
    busybox = debian.unpacked(build, "busybox-static") / "bin" / "busybox"
    files = {"bin/busybox": (initramfs.PROGRAM, busybox.read_bytes())}
    for source in (SOURCES / "init", SOURCES / "poweroff"):
        name = "init" if source.name == "init" else f"sbin/{source.name}"
        files[name] = (initramfs.PROGRAM, source.read_bytes())
    for source in sorted((SOURCES / "steps").glob("*.sh")):
        files[f"steps/{source.name}"] = (initramfs.FILE, source.read_bytes())
    return files | initramfs.with_libraries("/sbin/mke2fs")


def _ticks(build):
    """The program that prints the TSC."""
    program = build / "guest" / "ticks"
    debian.run(["nasm", "-f", "elf64", "-Werror", "-o", f"{program}.o", str(SOURCES / "ticks.asm")])
    debian.run(["ld", "-o", str(program), f"{program}.o"])
    return {"bin/ticks": (initramfs.PROGRAM, program.read_bytes())}


def make(build, package=debian.CLOUD_KERNEL):
    """Fetches and builds what is not there; any thread. debian.Missing: something cannot be had."""
    kernel = Kernel(build, package)
    with debian.only_one(build / "guest"):
        programs = _programs(build) | _ticks(build)
        files = programs | _modules(kernel)
        result = build / "guest" / f"{package}.initramfs"
        partial = result.with_suffix(".partial")
        partial.write_bytes(initramfs.archive(files, initramfs.DIRECTORIES))
        partial.rename(result)
    return Guest(kernel.image, result, programs)
