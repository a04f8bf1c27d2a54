"""The lines with figures in a serial log."""

import re

# By self test bench and by tests/bench/linux.c: "NAME = VALUE".
_SYSTEM = re.compile(r"\b([a-z]+\.[a-z_]+) = (\d+)")
# By the command "child bench" and by tests/bench/kvm_init.c. Lateness can be below zero, as both
# clocks that are compared are rounded.
_CHILD = re.compile(r"^bench ([a-z]+\.[a-z0-9_]+) (-?\d+) (-?\d+)$", re.MULTILINE)
_TRANSITIONS = re.compile(r"^transitions ([a-z]+\.[a-z0-9_]+) (\d+\.\d+)$", re.MULTILINE)


def of_system(text):
    return {name: int(value) for name, value in _SYSTEM.findall(text)}


def of_child(text):
    """Returns the medians by name, in the log's order; it has the minima, too."""
    return {name: int(median) for name, _, median in _CHILD.findall(text)}


def transitions(text):
    """Returns how often the processor changes its mode, per operation, by name."""
    return {name: float(count) for name, count in _TRANSITIONS.findall(text)}
