"""What a machine takes beyond its RAM, and that nothing of it stays when it has ended (docs/worker.md)."""

import dataclasses
import re

import emulator
from harness.boot import TROUBLE, Boot, read_text
from harness.test import Failure, run_program

from .child import AUTORUN_PASSED, MODULES
from .pattern import pattern
from .pc_hostile import make_rom
from .platforms import QEMU

SHOWN = (r"RAM, (\d+) KiB free\nthe kernel's heap has (\d+) KiB, with (\d+) blocks\n"
         r".*, and for children (\d+) of (\d+) KiB")  # fmt: skip
ROUNDS = 25  # starts of a PC, and as many of an enlightened machine
RAM = 16 << 10  # KiB
PC_BEYOND, ENLIGHTENED_BEYOND = 8 << 10, 2 << 10  # KiB at most; the PC's video memory has 4096 of them


@dataclasses.dataclass
class Memory:
    """What the command memory has shown, in KiB."""

    free: int
    heap: int
    blocks: int
    deposited: int
    arena: int  # what can be deposited stays taken

    def __sub__(self, other):
        """What has been taken since the other one was shown."""
        return (other.free + other.heap + other.arena) - (self.free + self.heap + self.arena) + (
            self.deposited - other.deposited)


def shown(text):
    return [Memory(*map(int, numbers)) for numbers in re.findall(SHOWN, text)]


def check_returned(before, after, kept=0):
    """Fails if something of what children had has not come back, but for @kept KiB."""
    if after - before > kept or (after.blocks, after.deposited) != (before.blocks, before.deposited):
        raise Failure(f"not all memory came back: before {before}, after {after}")


@dataclasses.dataclass
class PcMemory(Boot):
    """Boots; starts a machine of each kind while memory is shown, and then many."""

    def run(self, context):
        folder = context.directory / "store"
        folder.mkdir()
        log = context.directory / "images.log"
        make_rom(context, folder / "run", seed=1, steps=100000000)
        make_rom(context, folder / "end", seed=1, steps=1)
        for name in ("a.img", "b.img", "c.iso"):
            (folder / name).write_bytes(pattern(1 << 20))
        store = (context.directory / "store.img").resolve()
        run_program(context, ["tools/mkstore", "--size", "64", str(store), str(folder)], 30, log)
        machine = {**self.machine, "disks": (emulator.Disk(store),)}
        Boot.run(dataclasses.replace(self, machine=machine, commands=self._commands()), context)
        store.unlink()
        before, with_pc, without, with_enlightened, after, much_later = shown(
            read_text(context.directory / "serial.log"))  # fmt: skip
        check_returned(before, without)
        check_returned(before, after)
        check_returned(before, much_later)
        for taken, most in ((with_pc - before, PC_BEYOND), (with_enlightened - without, ENLIGHTENED_BEYOND)):
            if not 0 < taken - RAM <= most:
                raise Failure(f"{taken - RAM} KiB beyond RAM, where at most {most} are expected")

    @staticmethod
    def _commands():
        ram = f"memory={RAM >> 10}"
        pc = f"child machine=pc disk=/a.img cd=/c.iso switch=lan {ram} firmware="
        enlightened = f"child disk=/b.img switch=lan {ram}"
        both = (f"{pc}/end", f"{enlightened} -- disk")
        return ("switch create lan private", *both, *both, "memory",
                pc.replace("pc ", "pc name=pc ") + "/run", "sleep 2", "memory", "vm kill pc", "memory",
                enlightened.replace("child", "child name=en") + " -- ip=10.0.0.1 serve=600,9",
                "sleep 2", "memory", "vm kill en", "memory",
                *both * ROUNDS, "memory", "poweroff")  # fmt: skip


TESTS = [
    PcMemory("child-pc-memory-svm", {"memory": 512, **QEMU, "cpus": 2}, image_options=MODULES, time_limit=120,
             must=(AUTORUN_PASSED,), must_not=(*TROUBLE, r"^AUTORUN FAIL", r"error: ")),
]  # fmt: skip
