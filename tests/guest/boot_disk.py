"""A disk from which a PC's BIOS starts GRUB, and GRUB the stock guest: unlike an ISO it holds only the
modules of GRUB's that are used, so that it is read fast."""

import pathlib

from . import debian

SECTOR = 512
PARTITION_SECTOR = 2048
GRUB = pathlib.Path("/usr/lib/grub/i386-pc")
MODULES = ("biosdisk", "part_msdos", "fat", "serial", "terminal", "echo", "linux")

SCRIPT = """serial --unit=0 --speed=115200
terminal_output serial
echo "GRUB is there"
linux (hd0,msdos1)/vmlinuz {words}
initrd (hd0,msdos1)/initrd
boot
"""


def _partition_table(*partitions):
    """Of (flag, type, first sector, sectors)."""
    table = b""
    for flag, kind, first, sectors in partitions:
        table += bytes((flag, 0xfe, 0xff, 0xff, kind, 0xfe, 0xff, 0xff))
        table += first.to_bytes(4, "little") + sectors.to_bytes(4, "little")
    return table.ljust(64, b"\0") + b"\x55\xaa"


def make(path, guest, words, size, data_size):
    """Writes a disk of @size bytes to @path that boots @guest with @words on its command line. GRUB's
    first sector is followed by the rest of it, up to the first partition; the second one, the last
    @data_size bytes, is empty."""
    work = path.with_suffix(".work")
    work.mkdir()
    script, core, volume = work / "script", work / "core.img", work / "volume"
    script.write_text(SCRIPT.format(words=words))
    debian.run(["grub-mkimage", "-O", "i386-pc", "-c", str(script), "-p", "/", "-o", str(core), *MODULES])
    data = data_size // SECTOR
    sectors = size // SECTOR - PARTITION_SECTOR - data
    with open(volume, "wb") as file:
        file.truncate(sectors * SECTOR)
    debian.run(["mformat", "-i", str(volume), "-T", str(sectors), "-h", "16", "-s", "63",
                "-H", str(PARTITION_SECTOR), "::"])  # fmt: skip
    for source, name in ((guest.kernel, "vmlinuz"), (guest.initramfs, "initrd")):
        debian.run(["mcopy", "-i", str(volume), str(source), f"::{name}"])
    start = (GRUB / "boot.img").read_bytes()[:446] + _partition_table(
        (0x80, 0x0e, PARTITION_SECTOR, sectors), (0, 0x83, PARTITION_SECTOR + sectors, data))
    start += core.read_bytes()
    if len(start) > PARTITION_SECTOR * SECTOR:
        raise debian.Missing("GRUB does not fit in front of the partition")
    with open(path, "wb") as file:
        file.write(start)
        file.seek(PARTITION_SECTOR * SECTOR)
        file.write(volume.read_bytes())
        file.truncate(size)
    for file in (script, core, volume):
        file.unlink()
    work.rmdir()
