"""A hard disk from which a BIOS boots the stock guest: GRUB, a partition with an ext4, the kernel on it."""

import gzip
import pathlib
import shutil
import struct

from . import debian, initramfs
from .linux import Guest

SECTOR = 512
GRUB = pathlib.Path("/usr/lib/grub/i386-pc")
MODULES = ("biosdisk", "part_msdos", "ext2", "linux", "normal")
PARTITION = 2048  # its first sector: in front of it is room for GRUB
LINUX = 0x83  # a partition's type
# Of an MBR: the code ends where a disk's signature begins. boot.img loads its successor from the
# sector in its field at 5Ch, which is 1.
CODE_END, ENTRIES, SIGNATURE = 0x1B8, 0x1BE, 0x1FE
FILE_SYSTEM = 40 << 20  # bytes
# Whole cylinders of 16 heads and 63 sectors, as Bochs wants them.
CYLINDER = 16 * 63 * SECTOR
MENU = """\
linux /boot/vmlinuz {words}
initrd /boot/initrd
boot
"""


def _grub(directory):
    """GRUB's second stage, which looks for its menu on the first partition."""
    core = directory / "core.img"
    debian.run(["grub-mkimage", "-O", "i386-pc", "-p", "(hd0,msdos1)/boot/grub", "-o", str(core), *MODULES])
    return core.read_bytes()


def _mbr(sectors):
    """Addresses of cylinders and heads say: look at the numbers of sectors."""
    code = (GRUB / "boot.img").read_bytes()[:CODE_END]
    entry = struct.pack("<B3sB3sII", 0x80, b"\xfe\xff\xff", LINUX, b"\xfe\xff\xff", PARTITION, sectors)
    return code.ljust(ENTRIES, b"\0") + entry.ljust(SIGNATURE - ENTRIES, b"\0") + b"\x55\xaa"


def _file_system(directory, files):
    """An ext4 with those files: a dictionary as that of initramfs.archive()."""
    root, image = directory / "root", directory / "root.img"
    shutil.rmtree(root, ignore_errors=True)
    for name, (mode, content) in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        path.chmod(mode & 0o777)
    for name in ("dev", "proc", "sys", "tmp", "mnt", "etc"):
        (root / name).mkdir(exist_ok=True)
    image.write_bytes(b"")
    debian.run(["mke2fs", "-q", "-t", "ext4", "-d", str(root), "-E", "root_owner=0:0", str(image),
                f"{FILE_SYSTEM >> 10}k"])
    content = image.read_bytes()
    image.unlink()
    shutil.rmtree(root)
    return content


def make(directory, guest: Guest, words):
    """Makes directory/boot.img, whose kernel gets those words; returns its path. debian.Missing: it cannot."""
    files = dict(guest.programs)
    files["boot/vmlinuz"] = (initramfs.FILE, guest.kernel.read_bytes())
    # Compressed: a BIOS reads slowly.
    files["boot/initrd"] = (initramfs.FILE, gzip.compress(guest.initramfs.read_bytes(), mtime=0))
    files["boot/grub/grub.cfg"] = (initramfs.FILE, MENU.format(words=words).encode())
    core = _grub(directory)
    if len(core) > (PARTITION - 1) * SECTOR:
        raise debian.Missing("GRUB is too large for the room in front of the partition")
    content = _file_system(directory, files)
    image = directory / "boot.img"
    with open(image, "wb") as file:
        file.write(_mbr(len(content) // SECTOR))
        file.write(core)
        file.seek(PARTITION * SECTOR)
        file.write(content)
        file.truncate(-(-file.tell() // CYLINDER) * CYLINDER)
    return image
