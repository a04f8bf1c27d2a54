"""Who executes how many instructions of an operation of a child: itself, the hypervisor, the parent.

tests/bench/marks.c counts by address; this knows the addresses. See docs/testing.md.
"""

import statistics
import subprocess

# Marks of vsc/demo/bench.c: a row begins, a measurement begins, and ends.
NEXT, BEGIN, END = "234"
# Where nothing is done but to wait for a device. How often these loops go round is no cost of ours.
WAITING = (("demo.elf", "wait_for_packet"), ("demo.elf", "bus_wait"), ("demo.elf", "demo_bus_take"),
           ("parent.elf", "poll"))
# Linked high, below the parent (hypervisor/address.h); the child's kernel is the only one so low.
HYPERVISOR = (0xFFFFFFFF80000000, 0xFFFFFFFF80200000)
CHILD = (0x100000, 0x400000)
# In the order of the counts: everything else is the parent, its kernel and the worker.
PARTS = ("parent", *("waiting" for _ in WAITING), "hypervisor", "child")


def function(file, name):
    """Returns start and end of a function."""
    symbols = subprocess.run(["nm", "--print-size", str(file)], check=True, capture_output=True,
                             text=True).stdout  # fmt: skip
    found = [line.split() for line in symbols.splitlines() if line.endswith(f" {name}")]
    (start, size, _, _), = found
    return int(start, 16), int(start, 16) + int(size, 16)


def plugin_options(build):
    ranges = [function(build / file, name) for file, name in WAITING]
    return "".join(f",part={start:x}-{end:x}" for start, end in (*ranges, HYPERVISOR, CHILD))


def rows(lines):
    """Yields the measurements of each row: lists of counts by part."""
    row, begun = None, None
    for line in lines:
        _, number, *counts = line.split()
        if number == NEXT:
            if row is not None:
                yield row
            row = []
        elif number == BEGIN:
            begun = [int(count) for count in counts]
        elif number == END:
            row.append([int(count) - before for count, before in zip(counts, begun)])
    if row is not None:
        yield row


def read(marks, names):
    """Returns medians by "NAME PART"; `names` are those of the rows, in the order of the run."""
    found = {}
    for name, measurements in zip(names, rows(marks)):
        for part in set(PARTS) - {"waiting"}:
            totals = [sum(count for count, of in zip(counts, PARTS) if of == part)
                      for counts in measurements]  # fmt: skip
            found[f"{name} {part}"] = int(statistics.median(totals))
    return found
