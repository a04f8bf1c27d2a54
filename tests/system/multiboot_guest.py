"""Multiboot kernels in children (docs/worker.md)."""

import dataclasses

from harness.boot import TROUBLE, Boot
from harness.test import run_program

from .child import AUTORUN_PASSED, MODULES
from .platforms import BOCHS, QEMU

SOURCE = "tests/guest/multiboot.asm"


@dataclasses.dataclass
class MultibootGuest(Boot):
    """Boots, and starts a kernel as an ELF file and as one whose header says where it goes."""

    def run(self, context):
        directory = context.directory.resolve()
        log = directory / "build.log"
        elf, flat, text = directory / "elf", directory / "flat", directory / "text"
        run_program(context, ["nasm", "-f", "elf32", "-o", str(directory / "elf.o"), SOURCE], 30, log)
        run_program(context, ["ld", "-m", "elf_i386", "-Ttext", "0x200000", "-o", str(elf),
                              str(directory / "elf.o")], 30, log)  # fmt: skip
        run_program(context, ["nasm", "-f", "bin", "-DADDRESSES", "-o", str(flat), SOURCE], 30, log)
        text.write_bytes(b"the module\0")
        modules = tuple(f"--module={path}={path.name}" for path in (elf, flat, text))
        Boot.run(dataclasses.replace(self, image_options=(*MODULES, *modules)), context)


def boot(name, machine):
    commands = ("child kernel=elf initrd=text -- as an ELF file",
                "child kernel=flat initrd=text -- as its header says", "poweroff")  # fmt: skip
    said = r"^Veneer\n{}\nthe module\nmultiboot: good$"
    return MultibootGuest(f"child-multiboot-{name}", {"memory": 512, **machine, "cpus": 2},
                          commands=commands, time_limit=60, must_not=(*TROUBLE, r"^AUTORUN FAIL"),
                          must=(said.format("as an ELF file"), said.format("as its header says"),
                                AUTORUN_PASSED))  # fmt: skip


TESTS = [boot("max-svm", QEMU), boot("haswell-vmx", BOCHS)]
