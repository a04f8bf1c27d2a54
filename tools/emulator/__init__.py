"""Starts Veneer in an emulator: QEMU (AMD-V, or the host's own with KVM) or Bochs (Intel VT-x)."""

from . import bochs, qemu
from .machine import Disk, Machine, Nic

PLATFORMS = {"qemu": qemu, "bochs": bochs}


def command_line(machine, directory, serial):
    """Returns the command (a list of words) that runs the machine until it ends.

    Files that the emulator needs are written to the directory. The serial port goes to `serial`,
    a file, or a terminal device if the machine is interactive.
    """
    return PLATFORMS[machine.platform].command_line(machine, directory, serial)


def image_additions(machine, directory):
    """Returns what tools/mkiso must be told so that the image boots on this machine; often nothing.

    Files that belong to the image are written to the directory.
    """
    return PLATFORMS[machine.platform].image_additions(machine, directory)
