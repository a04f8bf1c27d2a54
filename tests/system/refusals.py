"""Machines and files on which the boot is refused: each time a message that names what is missing.

The message ends the test; the machine has halted by then.
"""

import struct

from harness.boot import Boot

from .platforms import BOCHS, QEMU

# ELF64: offsets in the file header and in a program header.
ELF_MACHINE = 18
ELF_ENTRY = 24
ELF_PROGRAM_OFFSET = 32
PROGRAM_VIRTUAL_ADDRESS = 16
# Where GRUB puts the hypervisor: the lowest 2 MiB boundary with room.
HYPERVISOR_BASE = 0x200000


def refused(name, machine, message, **options):
    return Boot(f"boot-refuse-{name}", machine, must=(rf"Veneer cannot start: .*{message}",),
                must_not=("PANIC", "^RESULT", "^Veneer parent"), until="Veneer cannot start",
                time_limit=60 if machine.get("firmware") != "uefi" else 120, **options)


def damaged(change):
    """A parent_file for Boot: a copy of the kernel to which change(bytearray) has been done."""

    def make(built, directory):
        content = bytearray(built.read_bytes())
        change(content)
        path = directory / "parent.elf"
        path.write_bytes(content)
        return path

    return make


def not_elf(content):
    content[0:4] = b"none"


def truncated(content):
    # The headers are at the start, so what is missing is a segment's content.
    del content[4096:]


def headers_cut(content):
    del content[80:]


def other_machine(content):
    struct.pack_into("<H", content, ELF_MACHINE, 183)  # AArch64


def onto_hypervisor(content):
    struct.pack_into("<Q", content, ELF_ENTRY, HYPERVISOR_BASE)
    first = struct.unpack_from("<Q", content, ELF_PROGRAM_OFFSET)[0]
    struct.pack_into("<Q", content, first + PROGRAM_VIRTUAL_ADDRESS, HYPERVISOR_BASE)


def model(name, platform=QEMU):
    return {**platform, "model": name}


# Writes IA32_FEATURE_CONTROL: locked, with VMX off. OVMF has left it unlocked.
LOCK_VMX = ("--grub-module=wrmsr", "--grub-command=wrmsr 0x3a 1")

NO_VIRTUALIZATION = r"neither AMD-V \(SVM\) nor Intel VT-x"

TESTS = [
    refused("no-virtualization-svm", model("max,-svm"), NO_VIRTUALIZATION),
    refused("no-nested-paging-svm", model("qemu64,+svm,-npt"), r"nested paging"),
    refused("no-nx-svm", model("max,-nx"), r"NX"),
    refused("no-long-mode-svm", model("max,-lm"), r"long mode"),
    refused("no-virtualization-vmx", model("p4_prescott_celeron_336", BOCHS), NO_VIRTUALIZATION),
    refused("old-vmx", model("core2_penryn_t9600", BOCHS), r"VT-x has no extended page tables"),
    refused("locked-vmx-uefi", {**BOCHS, "firmware": "uefi"}, r"firmware has turned Intel VT-x off",
            image_options=LOCK_VMX),
    refused("no-unrestricted-guest-vmx", model("corei5_lynnfield_750", BOCHS), r"unrestricted guest"),
    refused("little-memory-svm", {**QEMU, "memory": 8}, r"too little memory"),
    refused("no-parent-svm", QEMU, r"no parent kernel", parent_file=lambda built, directory: None),
    refused("parent-not-elf-svm", QEMU, r"not an ELF file", parent_file=damaged(not_elf)),
    refused("parent-truncated-svm", QEMU, r"ends before its segments do",
            parent_file=damaged(truncated)),
    refused("parent-headers-cut-svm", QEMU, r"ends before its program headers do",
            parent_file=damaged(headers_cut)),
    refused("parent-other-machine-svm", QEMU, r"not for x86-64", parent_file=damaged(other_machine)),
    refused("parent-onto-hypervisor-svm", QEMU, r"0x200000, which is not free memory",
            parent_file=damaged(onto_hypervisor)),
]  # fmt: skip
