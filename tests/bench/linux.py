"""The peer: Debian's Linux kernel, unpacked but not installed, and one program as its init."""

import dataclasses
import lzma
import pathlib
import re
import shutil
import subprocess

PACKAGE = "linux-image-cloud-amd64"  # depends on the current kernel's own package


class Missing(Exception):
    """There is no Linux to compare with; the text says why, in one line."""


@dataclasses.dataclass
class System:
    """What a boot loader needs."""

    kernel: pathlib.Path
    initramfs: pathlib.Path


def _run(command, directory):
    """Returns what a program prints."""
    try:
        result = subprocess.run(command, cwd=directory, capture_output=True, text=True)
    except OSError as error:
        raise Missing(f"cannot start {command[0]}: {error.strerror}") from error
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


def _module(kernel, name):
    """A module's content. Debian compresses them from some version on."""
    files = list(kernel.glob(f"lib/modules/*/kernel/{name}.ko*"))
    if len(files) != 1:
        raise Missing(f"the kernel has no module {name}")
    content = files[0].read_bytes()
    return lzma.decompress(content) if files[0].suffix == ".xz" else content


def _archive_entry(number, name, mode, content):
    """A file of a cpio archive in the format "newc", as Linux's initramfs documentation has it."""
    path = name.encode() + b"\0"
    fields = (number, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(path), 0)
    header = b"070701" + b"".join(b"%08X" % field for field in fields) + path
    return header + bytes(-len(header) % 4) + content + bytes(-len(content) % 4)


def _archive(files):
    entries = [("dev", 0o40755, b"")]
    entries += [(name, 0o100755, content) for name, content in files.items()]
    entries.append(("TRAILER!!!", 0, b""))
    return b"".join(_archive_entry(i, *entry) for i, entry in enumerate(entries, 1))


def make(directory, source, modules, files=()):
    """Builds the system in a directory of its own; the kernel is in the one above, for all.

    `source` is init's C file, `modules` are loaded in that order, `files` are (name, path) of what
    else init finds in its root directory. Missing: the kernel could not be fetched.
    """
    kernel = _kernel(directory.parent)
    init = directory / "init"
    subprocess.run(["gcc", "-O2", "-Wall", "-Wextra", "-Werror", "-static", "-I.", "-o", str(init),
                    source], check=True)  # fmt: skip
    contents = {"init": init.read_bytes()}
    contents |= {f"{number}.ko": _module(kernel, name) for number, name in enumerate(modules)}
    contents |= {name: path.read_bytes() for name, path in files}
    initramfs = directory / "initramfs"
    initramfs.write_bytes(_archive(contents))
    (image,) = kernel.glob("boot/vmlinuz-*")
    return System(image, initramfs)


def qemu_options(system, command_line):
    """QEMU's options that boot it without a boot loader."""
    return ["-kernel", str(system.kernel), "-initrd", str(system.initramfs),
            "-append", command_line]  # fmt: skip
