"""Images that boot on a PC: CDs with GRUB or ISOLINUX, floppies with GRUB. No root is needed."""

import pathlib
import shutil
import tarfile

from . import debian

GRUB = pathlib.Path("/usr/lib/grub/i386-pc")
GRUB_MODULES = ("normal", "echo", "test", "ls", "read")
GRUB_CD = "boot/grub/eltorito.img"
ISOLINUX_CD = "isolinux/isolinux.bin"
FLOPPY_SIZE = 1440 << 10


def write_tree(folder, files):
    """Writes files: bytes, or paths of what to copy, by the name below the folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            shutil.copyfile(content, path)


def _iso(directory, boot, files):
    """Returns an ISO 9660 image with El Torito's boot image `boot`, which is one of the files."""
    tree, image = directory / "cd", directory / "cd.iso"
    write_tree(tree, files)
    debian.run(["xorriso", "-as", "mkisofs", "-quiet", "-R", "-V", "GUEST", "-b", boot, "-no-emul-boot",
         "-boot-load-size", "4", "-boot-info-table", "-o", str(image), str(tree)])  # fmt: skip
    shutil.rmtree(tree)
    return image.read_bytes()


def grub_cd(directory, menu):
    """Returns a CD that starts GRUB with this menu (grub.cfg)."""
    core = directory / "eltorito.img"
    debian.run(["grub-mkimage", "-O", "i386-pc-eltorito", "-p", "/boot/grub", "-o", str(core), "biosdisk",
                "iso9660", *GRUB_MODULES])  # fmt: skip
    return _iso(directory, GRUB_CD, {GRUB_CD: core, "boot/grub/grub.cfg": menu.encode()})


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


def isolinux_cd(directory, isolinux, modules, menu, files):
    """Returns a CD that starts ISOLINUX; `isolinux` is its program, `modules` its .c32 files."""
    boot = {ISOLINUX_CD: isolinux, "isolinux/isolinux.cfg": menu.encode()}
    boot.update({f"isolinux/{path.name}": path for path in modules})
    return _iso(directory, ISOLINUX_CD, {**boot, **files})
