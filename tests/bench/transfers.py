"""Rows of operations of a child by its synthetic devices: world switches, time, instructions."""

import dataclasses
import typing

from table import Row


@dataclasses.dataclass
class Transfer:
    """A row of the child's benchmark, of `count` operations at once; figures are for one of them.

    In bench.json the figures are NAME.vmbus.WHAT and the suffix.
    """

    row: str
    name: str
    text: str
    count: int = 1
    suffix: str = ""
    target: typing.Optional[float] = None  # of world switches


TRANSFERS = [
    Transfer("disk.read_4k", "read4k", "read of 4 KiB"),
    Transfer("disk.write_4k", "write4k", "write of 4 KiB"),
    Transfer("disk.write_100k", "write100k", "write of 100 KB", target=4),
    Transfer("disk.write_100k_qd32", "write100k", "write of 100 KB, 32 at once", 32, "_qd32", 0.5),
    Transfer("disk.write_100k_halting", "write100k", "write of 100 KB, halting", 1, "_halting"),
    Transfer("disk.write_100k_halting_qd32", "write100k", "the same, 32 at once", 32,
             "_halting_qd32"),
    Transfer("net.frame_1500", "frame1500", "frame of 1,500 bytes"),
    Transfer("net.frame_1500_qd16", "frame1500", "the same, 16 at once", 16, "_qd16"),
]  # fmt: skip
PARTS = [("child", "the child"), ("hypervisor", "the hypervisor"), ("parent", "the parent")]


def add_traverses(found, transitions):
    """Returns the figures with those of world switches, as rows() wants them."""
    return {**found, **{f"{name} traverses": count for name, count in transitions.items()}}


def _figure(key, divisor=1):
    return lambda found: found[key] // divisor


def rows(unit, by_part):
    """`unit` is the clock's; `by_part`: instructions have been counted (parts.py)."""
    result = []
    for t in TRANSFERS:
        name, row = f"{t.name}.vmbus", t.row
        result += [
            Row(f"{name}.traverses{t.suffix}", f"{t.text}: world switches", "traverses",
                lambda found, row=row: found[f"{row} traverses"], target=t.target),
            Row(f"{name}.ticks{t.suffix}", "  until it is answered", unit, _figure(row)),
        ]  # fmt: skip
        if by_part:
            result += [Row(f"{name}.{part}{t.suffix}", f"  work of {text}", "instructions",
                           _figure(f"{row} {part}", t.count)) for part, text in PARTS]  # fmt: skip
    return result
