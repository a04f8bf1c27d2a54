"""The stock guest on a plain PC of QEMU's, without any hypervisor: what it is to be compared with."""

import emulator

COMMAND_LINE = "console=ttyS0 panic=-1"
COUNTING = ("-icount", "shift=0,sleep=off")  # a tick of the TSC is an instruction


def command(guest, directory, serial, words, **machine):
    """Returns the command that boots it. `machine` are fields of emulator.Machine."""
    # It needs some CD that it does not boot from.
    fields = {"image": guest.initramfs, "model": "max", "memory": 512,
              "nics": (emulator.Nic(model="virtio-net-pci"),)} | machine  # fmt: skip
    return [*emulator.command_line(emulator.Machine(**fields), directory, serial),
            *guest.qemu_options(f"{COMMAND_LINE} {words}")]
