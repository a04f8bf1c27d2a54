"""That `make bench` reads the figures right which a system says, and that a child's disk does not take many
more world switches than it should. The benchmark's own runs are no tests."""

import dataclasses

import emulator
from bench import figures
from harness.boot import TROUBLE, Boot, read_text
from harness.test import Failure, Test

from .child import AUTORUN_PASSED, MODULES
from .child_disk import DISK_SIZE
from .platforms import BOCHS, QEMU

SYSTEM = "bench: syscall.null = 125\nlinux: pipe.round_trip = 10616\n"
CHILD = """\
+ child bench
bench exit.cpuid 240 250
bench timer.hlt -3 12
[    2.762390] bench exit.io_user 1 2
bench exit.mmio_user 700
bench disk.read_4k 7 8
transitions exit.cpuid 2.00
transitions disk.read_4k 0.13
"""


@dataclasses.dataclass
class Figures(Test):
    """Whole lines count; of minimum and median, the median."""

    def run(self, context):
        self._expect(figures.of_system(SYSTEM), {"syscall.null": 125, "pipe.round_trip": 10616})
        self._expect(figures.of_child(CHILD), {"exit.cpuid": 250, "timer.hlt": 12,
                                                   "disk.read_4k": 8})
        self._expect(figures.transitions(CHILD), {"exit.cpuid": 2, "disk.read_4k": 0.13})

    def _expect(self, found, expected):
        if found != expected:
            raise Failure(f"it read {found}, not {expected}")


@dataclasses.dataclass
class Traverses(Boot):
    """A child writes 100 KB, alone and 32 times at once. `bounds`: the most world switches for one
    write, by the benchmark's row. On QEMU runs repeat, as in `make bench`, which finds 4.7 to 4.9 and 0.35
    to 0.38, and the bounds leave room for that only: one more exit of the child or of the
    parent for each write is seen. On Bochs the disk takes 5 ms, in which there are exits by interrupts; 30
    and 26 are found, and only a path that has become another one is seen.
    """

    bounds: dict = dataclasses.field(default_factory=dict)

    def run(self, context):
        counting = self.machine.get("counting")
        disk = None if counting else (context.directory / "disk.img").resolve()
        if disk:
            disk.write_bytes(bytes(DISK_SIZE))
        commands = (f"child disk=disk0 -- disk=bench bench={','.join(self.bounds)}", "poweroff")
        machine = {**self.machine, "disks": (emulator.Disk(disk),)}
        Boot.run(dataclasses.replace(self, machine=machine, commands=commands), context)
        if disk:
            disk.unlink()
        found = figures.transitions(read_text(context.directory / "serial.log"))
        for row, bound in self.bounds.items():
            if not 0 < found.get(row, 0) <= bound:
                raise Failure(f"{row}: {found.get(row)} world switches, expected more than 0, at most {bound}")


def traverses(name, machine, alone, many):
    bounds = {"disk.write_100k": alone, "disk.write_100k_qd32": many}
    return Traverses(f"child-traverses-{name}", {"memory": 512, **machine, "cpus": 1}, bounds=bounds,
                     must=(AUTORUN_PASSED,), must_not=TROUBLE, image_options=MODULES, time_limit=120)


TESTS = [
    Figures("unit-bench-figures"),
    traverses("max-svm", {**QEMU, "counting": True}, alone=6, many=1),
    traverses("haswell-vmx", BOCHS, alone=60, many=50),
]
