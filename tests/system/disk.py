"""The console's command disk: images that it makes are qemu-img's, too, and the other way round."""

import dataclasses
import re

import emulator
from harness.boot import Boot, read_text
from harness.test import Failure, run_program

from .child import MODULES
from .child_disk import WRITTEN, written
from .pattern import pattern
from .platforms import BOCHS, QEMU

SIZE = 6 << 20
HOLE = 2 << 20  # zeros in the middle: a block that is not there
# Sizes in KiB of images that in the end leave no room for a block.
FILL = (8 << 10, 4 << 10, 2 << 10, 1 << 10, 512)

COMMANDS = (
    "disk create /new.vhd 64M",
    "child disk=/new.vhd -- disk=write",
    "disk check /new.vhd",
    "disk create /new-fixed.vhd 1M fixed",
    "disk create /new.img 1536K",
    "disk info /given.vhd",
    "disk check /given.vhd",
    "disk convert /given.vhd /raw.img",
    "disk convert /raw.img /fixed.vhd fixed",
    "disk convert /fixed.vhd /dynamic.vhd",
    "disk check /dynamic.vhd",
    "onerror continue",
    "disk create /new.vhd 1M",
    "disk create /none.img 100M fixed",
    "disk create /none.vhd 100G fixed",
    "disk create /none.img 300M",
    "disk convert /given.vhd /none.vhd sparse",
    "disk check /broken.vhd",
    "disk info /none.vhd",
    *(f"disk create /fill{number}.img {size}K" for number, size in enumerate(FILL)),
    "disk create /full.vhd 64M",
    "child disk=/full.vhd -- disk=write",
    "disk check /full.vhd",
    "poweroff",
)
MUST = (
    r"^kind +dynamic VHD$", r"^disk +67108864 bytes \(64 MiB\)$",
    r"^blocks +1 of 32 in the file, 2048 KiB each$",
    r"^0 orphan blocks, 0 blocks partly filled, 0 KiB of room at the end$",
    r"^All structures are good\.$", r"^blocks +2 of 3 in the file, 2048 KiB each$",
    r"^disk: /new\.vhd: a file or directory of this name exists already$",
    r"^disk: /none\.img: the name of a VHD ends in \.vhd$",
    r"^disk: /none\.vhd: a file of the store has at most 4 GiB: ",
    r"^disk: /none\.img: the store is full", r"^disk: sparse: no such kind\. The kinds are ",
    r"^disk: /broken\.vhd: a block lies outside of the file or on another one$",
    r"^disk: /none\.vhd: no such file or directory$",
    r"scsi 0: a request to /full\.vhd failed: the store is full", r"^FAIL disk 0:0: .*it cannot be written$",
    r"^blocks +0 of 32 in the file", r"^AUTORUN FAIL at line 13 ",
)  # fmt: skip


@dataclasses.dataclass
class Disks(Boot):
    def run(self, context):
        folder = context.directory / "store"
        folder.mkdir()
        log = context.directory / "images.log"
        content = pattern(SIZE)
        content = content[:HOLE] + bytes(HOLE) + content[2 * HOLE:]
        raw = context.directory / "given.raw"
        raw.write_bytes(content)
        run_program(context, ["qemu-img", "convert", "-f", "raw", "-O", "vpc", "-o",
                              "subformat=dynamic,force_size=on", str(raw), str(folder / "given.vhd")],
                    30, log)  # fmt: skip
        broken = bytearray((folder / "given.vhd").read_bytes())
        broken[1536:1540] = broken[1544:1548]  # two entries for one block
        (folder / "broken.vhd").write_bytes(broken)
        store = (context.directory / "store.img").resolve()
        run_program(context, ["tools/mkstore", "--size", "40", str(store), str(folder)], 30, log)
        machine = {**self.machine, "disks": (emulator.Disk(store),)}
        Boot.run(dataclasses.replace(self, machine=machine), context)
        run_program(context, ["/usr/sbin/fsck.fat", "-n", str(store)], 30, log)
        started = written(0) + bytes((64 << 20) - WRITTEN)
        for name, expected in (("new.vhd", started), ("new-fixed.vhd", bytes(1 << 20)),
                               ("new.img", bytes(1536 << 10)), ("raw.img", content),
                               ("fixed.vhd", content), ("dynamic.vhd", content),
                               ("given.vhd", content), ("full.vhd", bytes(64 << 20))):  # fmt: skip
            self._compare(context, store, name, expected, log)
        listing = run_listing(context, store, log)
        if re.search(r"^none ", listing, re.MULTILINE):
            raise Failure("a command that failed has left a file")
        store.unlink()
        raw.unlink()

    @staticmethod
    def _compare(context, store, name, expected, log):
        path, raw = context.directory / name, context.directory / "seen.raw"
        run_program(context, ["mcopy", "-n", "-i", str(store), f"::{name}", str(path)], 30, log)
        if name.endswith(".vhd"):
            run_program(context, ["qemu-img", "convert", "-f", "vpc", "-O", "raw", str(path), str(raw)],
                        30, log)  # fmt: skip
        else:
            path.rename(raw)
        if raw.read_bytes() != expected:
            raise Failure(f"{name} is not the disk that it should be")
        raw.unlink()
        path.unlink(missing_ok=True)


def run_listing(context, store, log):
    """What mdir says of the store's root."""
    before = len(read_text(log))
    run_program(context, ["mdir", "-i", str(store), "::"], 30, log)
    return read_text(log)[before:]


def disks(name, machine):
    return Disks(f"parent-disk-images-{name}", {"memory": 512, **machine, "cpus": 2},
                 commands=COMMANDS, must=MUST, image_options=MODULES, time_limit=240,
                 must_not=(r"PANIC", r"^AUTORUN PASS$"))  # fmt: skip


TESTS = [disks("svm", QEMU), disks("vmx", BOCHS)]
