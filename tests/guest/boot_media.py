"""Images that boot on a PC: CDs and floppy disks with GRUB. No root is needed."""

import pathlib
import shutil
import tarfile

from . import debian

GRUB = pathlib.Path("/usr/lib/grub/i386-pc")
GRUB_MODULES = ("normal", "echo", "test", "ls", "read")
GRUB_CD = "boot/grub/eltorito.img"
FLOPPY_SIZE = 1440 << 10


def grub_cd(directory, menu):
    """Returns a CD that starts GRUB with this menu (grub.cfg), by El Torito without emulation."""
    tree, image = directory / "cd", directory / "cd.iso"
    (tree / GRUB_CD).parent.mkdir(parents=True)
    (tree / "boot/grub/grub.cfg").write_text(menu)
    debian.run(["grub-mkimage", "-O", "i386-pc-eltorito", "-p", "/boot/grub", "-o", str(tree / GRUB_CD),
                "biosdisk", "iso9660", *GRUB_MODULES])  # fmt: skip
    debian.run(["xorriso", "-as", "mkisofs", "-quiet", "-R", "-V", "GUEST", "-b", GRUB_CD, "-no-emul-boot",
                "-boot-load-size", "4", "-boot-info-table", "-o", str(image), str(tree)])  # fmt: skip
    shutil.rmtree(tree)
    return image.read_bytes()


def grub_floppy(directory, menu):
    """Returns a floppy disk without a file system: GRUB, whose menu is in its own image."""
    menu_file, archive, core = (directory / name for name in ("grub.cfg", "memdisk.tar", "core.img"))
    menu_file.write_text(menu)
    with tarfile.open(archive, "w") as tar:
        tar.add(menu_file, "boot/grub/grub.cfg")
    debian.run(["grub-mkimage", "-O", "i386-pc", "-p", "(memdisk)/boot/grub", "-m", str(archive), "-o",
                str(core), "biosdisk", "memdisk", "tar", *GRUB_MODULES])  # fmt: skip
    # The first sector loads the one behind it, which knows how many follow.
    image = (GRUB / "boot.img").read_bytes() + core.read_bytes()
    if len(image) > FLOPPY_SIZE:
        raise debian.Missing(f"GRUB takes {len(image)} bytes, more than a floppy disk has")
    return image.ljust(FLOPPY_SIZE, b"\0")
