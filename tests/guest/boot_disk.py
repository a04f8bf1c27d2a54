"""A disk from which a PC's BIOS starts GRUB, and GRUB the stock guest: unlike an ISO it holds only the
modules of GRUB's that are used, so that it is read fast."""

import gzip
import pathlib
import shutil

from . import debian, initramfs

SECTOR = 512
PARTITION_SECTOR = 2048
ROOT_SIZE = 48 << 20  # bytes
# Bochs wants whole cylinders of 16 heads and 63 sectors.
CYLINDER = 16 * 63 * SECTOR
GRUB = pathlib.Path("/usr/lib/grub/i386-pc")
MODULES = ("biosdisk", "part_msdos", "ext2", "serial", "terminal", "echo", "linux")
LINUX = 0x83  # a partition's type

SCRIPT = """serial --unit=0 --speed=115200
terminal_output serial
echo "GRUB is there"
linux (hd0,msdos1)/boot/vmlinuz {words}
initrd (hd0,msdos1)/boot/initrd
boot
"""


def _partition_table(*partitions):
    """Of (flag, type, first sector, sectors)."""
    table = b""
    for flag, kind, first, sectors in partitions:
        table += bytes((flag, 0xfe, 0xff, 0xff, kind, 0xfe, 0xff, 0xff))
        table += first.to_bytes(4, "little") + sectors.to_bytes(4, "little")
    return table.ljust(64, b"\0") + b"\x55\xaa"


def _grub(work, words):
    script, core = work / "script", work / "core.img"
    script.write_text(SCRIPT.format(words=words))
    debian.run(["grub-mkimage", "-O", "i386-pc", "-c", str(script), "-p", "/", "-o", str(core), *MODULES])
    return core.read_bytes()


def _root(work, guest):
    """An ext4 that can be the guest's root file system: with its kernel and programs."""
    root, image = work / "root", work / "root.img"
    files = {**guest.programs, "boot/vmlinuz": (initramfs.FILE, guest.kernel.read_bytes()),
             # Compressed: a BIOS reads slowly.
             "boot/initrd": (initramfs.FILE, gzip.compress(guest.initramfs.read_bytes(), mtime=0))}
    for name, (mode, content) in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        path.chmod(mode & 0o777)
    for name in initramfs.DIRECTORIES:
        (root / name).mkdir(exist_ok=True)
    debian.run(["mke2fs", "-q", "-t", "ext4", "-d", str(root), "-E", "root_owner=0:0", str(image),
                f"{ROOT_SIZE >> 10}k"])  # fmt: skip
    return image.read_bytes()


def make(path, guest, words, data_size):
    """Writes a disk to @path that boots @guest with @words on its command line. GRUB's first sector is
    followed by the rest of it, up to the first partition; the second one, the last @data_size bytes, is empty."""
    work = path.with_suffix(".work")
    work.mkdir()
    content, core = _root(work, guest), _grub(work, words)
    shutil.rmtree(work)
    size = -(-(PARTITION_SECTOR * SECTOR + len(content) + data_size) // CYLINDER) * CYLINDER
    first, sectors = (size - data_size) // SECTOR, len(content) // SECTOR
    start = (GRUB / "boot.img").read_bytes()[:446] + _partition_table(
        (0x80, LINUX, PARTITION_SECTOR, sectors), (0, LINUX, first, data_size // SECTOR)) + core
    if len(start) > PARTITION_SECTOR * SECTOR:
        raise debian.Missing("GRUB does not fit in front of the partition")
    with open(path, "wb") as file:
        file.write(start)
        file.seek(PARTITION_SECTOR * SECTOR)
        file.write(content)
        file.truncate(size)
