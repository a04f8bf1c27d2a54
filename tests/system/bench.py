"""That `make bench` reads the figures right which a system says. Its own runs are no tests."""

import dataclasses

from bench import figures
from harness.test import Failure, Test

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


TESTS = [Figures("unit-bench-figures")]
