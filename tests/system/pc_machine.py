"""The emulated PC (docs/worker.md): a firmware of our own tests the machine and says on COM1 what is good."""

import dataclasses

from harness.boot import TROUBLE, Boot
from harness.test import run_program

from .child import AUTORUN_PASSED, MODULES
from .platforms import BOCHS, QEMU

SOURCE = "tests/guest/pc_rom.asm"
GOOD = ("reset state", "strings", "timer", "masked interrupts", "clock", "keyboard controller", "PCI",
        "shadow RAM", "video memory", "protected mode", "long mode", "other processor",
        "state after a reset", "devices after a reset")  # fmt: skip


@dataclasses.dataclass
class PcMachine(Boot):
    """Boots, and starts a PC with the test firmware."""

    def run(self, context):
        directory = context.directory.resolve()
        rom = directory / "rom"
        run_program(context, ["nasm", "-f", "bin", "-o", str(rom), SOURCE], 30, directory / "build.log")
        options = (*MODULES, f"--module={rom}=firmware")
        Boot.run(dataclasses.replace(self, image_options=options), context)


def boot(name, machine, cpus=2):
    commands = ("child machine=pc vps=2 memory=32", "poweroff")
    good = tuple(rf"^pc: {text} good$" for text in GOOD)
    return PcMachine(f"child-pc-{name}", {"memory": 512, **machine, "cpus": cpus}, commands=commands,
                     time_limit=60, must=(*good, r"(?s)(^pc: started again$.*){4}^pc: done$", AUTORUN_PASSED),
                     must_not=(*TROUBLE, r"^AUTORUN FAIL", r"BAD$"))  # fmt: skip


TESTS = [boot("max-svm", QEMU), boot("haswell-vmx", BOCHS)]
