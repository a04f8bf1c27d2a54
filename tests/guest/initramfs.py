"""An initramfs: an archive of files that Linux unpacks into memory as its root file system."""

import pathlib
import re

from .debian import run

DIRECTORY, PROGRAM, FILE = 0o40755, 0o100755, 0o100644
# Empty ones that the guest's init wants to be there.
DIRECTORIES = ("dev", "proc", "sys", "tmp", "mnt", "etc")


def _entry(number, name, mode, content):
    """A file in the cpio format "newc", as Linux's initramfs documentation has it."""
    path = name.encode() + b"\0"
    fields = (number, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(path), 0)
    header = b"070701" + b"".join(b"%08X" % field for field in fields) + path
    return header + bytes(-len(header) % 4) + content + bytes(-len(content) % 4)


def _parents(files):
    """All directories that the files are in, outer ones first."""
    found = {str(path) for name in files for path in pathlib.PurePath(name).parents}
    return sorted(found - {"."})


def archive(files, directories=()):
    """Makes the archive of programs and files: a dictionary of (mode, content) by name.

    `directories` are empty ones; those that files are in come by themselves.
    """
    entries = [(name, DIRECTORY, b"") for name in sorted({*directories, *_parents(files)})]
    entries += [(name, mode, content) for name, (mode, content) in files.items()]
    entries.append(("TRAILER!!!", 0, b""))
    return b"".join(_entry(i, *entry) for i, entry in enumerate(entries, 1))


def with_libraries(path):
    """A program of this machine and the shared libraries that it needs, as files of an archive."""
    libraries = re.findall(r"(/\S+) \(0x", run(["ldd", str(path)]))
    return {name.lstrip("/"): (PROGRAM, pathlib.Path(name).read_bytes())
            for name in (str(path), *libraries)}  # fmt: skip
