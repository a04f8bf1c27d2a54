"""What a virtual machine is made of, whichever emulator runs it."""

import dataclasses
import pathlib
import typing


@dataclasses.dataclass
class Machine:
    """A machine that boots `image`. Fields that only one platform knows say so."""

    image: typing.Optional[pathlib.Path] = None  # what tools/mkiso made
    platform: str = "qemu"  # qemu or bochs
    firmware: str = "bios"  # bios or uefi
    media: str = "cd"  # how the image is attached: cd, disk or usb (QEMU only)
    cpus: int = 1
    memory: int = 512  # MiB
    model: str = ""  # processor model; empty: the platform's usual one
    board: str = "pc"  # QEMU only: pc or q35
    parallel: bool = False  # QEMU only: a host thread per processor
    kvm: bool = False  # QEMU only: the host's own virtualization
    gdb: bool = False  # QEMU only: wait for a debugger on port 1234
    interactive: bool = False  # the serial port is the terminal
