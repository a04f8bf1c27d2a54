"""The peer: Debian's Linux kernel, unpacked but not installed, and one program as its init."""

import re
import shutil
import subprocess

PACKAGE = "linux-image-cloud-amd64"  # depends on the current kernel's own package
# lpj=1 makes its busy waiting end at once: under -icount a delay of a microsecond, which the
# emulated devices do not need, would count as a thousand instructions, over half of a disk read.
COMMAND_LINE = "console=ttyS0 quiet panic=-1 lpj=1"
# In the order in which they are loaded.
MODULES = ("scsi/scsi_common", "scsi/scsi_mod", "scsi/sd_mod", "ata/libata", "ata/ata_piix")


class Missing(Exception):
    """There is no Linux to compare with; the text says why, in one line."""


def _run(command, directory):
    """Returns what a program prints."""
    result = subprocess.run(command, cwd=directory, capture_output=True, text=True)
    if result.returncode != 0:
        last = (result.stderr.strip().splitlines() or ["no message"])[-1]
        raise Missing(f"{command[0]} ended with status {result.returncode}: {last}")
    return result.stdout


def _kernel(directory):
    """The directory with the unpacked kernel package; fetched if it is not there."""
    unpacked = directory / "kernel"
    if unpacked.exists():
        return unpacked
    name = re.search(r"Depends: (linux-image-\S+)",
                     _run(["apt-cache", "depends", PACKAGE], directory))
    if name is None:
        raise Missing(f"apt knows no {PACKAGE}; try apt-get update")
    for old in directory.glob("*.deb"):
        old.unlink()
    _run(["apt-get", "-qq", "download", name[1]], directory)
    (package,) = directory.glob("*.deb")
    # Under its final name only when it is complete.
    partial = directory / "kernel.partial"
    shutil.rmtree(partial, ignore_errors=True)
    _run(["dpkg-deb", "-x", str(package), str(partial)], directory)
    partial.rename(unpacked)
    package.unlink()
    return unpacked


def _archive_entry(number, name, mode, content):
    """A file of a cpio archive in the format "newc", as Linux's initramfs documentation has it."""
    path = name.encode() + b"\0"
    fields = (number, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(path), 0)
    header = b"070701" + b"".join(b"%08X" % field for field in fields) + path
    return header + bytes(-len(header) % 4) + content + bytes(-len(content) % 4)


def _archive(files):
    entries = [("dev", 0o40755, b"")]
    entries += [(name, 0o100755, path.read_bytes()) for name, path in files.items()]
    entries.append(("TRAILER!!!", 0, b""))
    return b"".join(_archive_entry(i, *entry) for i, entry in enumerate(entries, 1))


def boot_options(directory):
    """Builds what the peer needs; returns QEMU's options that boot it without a boot loader.

    Missing: the kernel could not be fetched.
    """
    kernel = _kernel(directory)
    init = directory / "init"
    subprocess.run(["gcc", "-O2", "-Wall", "-Wextra", "-Werror", "-static", "-I.", "-o", str(init),
                    "tests/bench/linux.c"], check=True)  # fmt: skip
    files = {"init": init}
    for number, module in enumerate(MODULES):
        (files[f"{number}.ko"],) = kernel.glob(f"lib/modules/*/kernel/drivers/{module}.ko")
    initramfs = directory / "initramfs"
    initramfs.write_bytes(_archive(files))
    (image,) = kernel.glob("boot/vmlinuz-*")
    return ["-kernel", str(image), "-initrd", str(initramfs),
            "-append", COMMAND_LINE]
