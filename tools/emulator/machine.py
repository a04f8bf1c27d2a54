"""What a virtual machine is made of, whichever emulator runs it."""

import dataclasses
import pathlib
from typing import Optional
import typing


@dataclasses.dataclass
class Disk:
    """A further drive, with the content of a raw image file; without one (QEMU only) it has 16 MiB, keeps
    nothing and answers at once."""

    path: Optional[pathlib.Path]
    kind: str = "disk"  # disk or cd
    ahci: bool = False  # QEMU's pc only: on an AHCI controller of its own, not IDE
    bad_sector: Optional[int] = None  # QEMU only: reading it fails
    bad_write: Optional[int] = None  # QEMU only: writing this sector fails


@dataclasses.dataclass
class Nic:
    """A network card on the emulator's own network, whose gateway serves addresses and files."""

    model: str = "e1000"  # e1000, or with QEMU e1000e
    mac: str = "52:54:00:12:34:56"
    files: Optional[pathlib.Path] = None  # a directory, served by TFTP


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
    counting: bool = False  # QEMU only: a tick of the TSC is an instruction, so that runs repeat
    kvm: bool = False  # QEMU only: the host's own virtualization
    unknown_msrs: bool = False  # Bochs only: MSRs that it lacks read as 0
    gdb: bool = False  # QEMU only: wait for a debugger on port 1234
    interactive: bool = False  # the serial port is the terminal
    terminal: bool = False  # the serial port is a terminal device, for a program to type on
    disks: tuple = ()  # of Disk
    nics: tuple = ()  # of Nic
    monitor: Optional[pathlib.Path] = None  # QEMU only: a socket that takes monitor commands
