"""Virtual disks of children: the demo child reads and writes them through its bus (docs/child.md)."""

import dataclasses

import emulator
from harness.boot import TROUBLE, Boot
from harness.test import Failure, run_program

from .child import AUTORUN_PASSED, MODULES
from .pattern import pattern
from .platforms import BOCHS, QEMU

# Bochs wants whole cylinders of 16 heads and 63 sectors.
DISK_SIZE = 16 * 16 * 63 * 512
WRITTEN = 1 << 20  # bytes at the start of each disk, by the child
VHD_FOOTER = 512


def written(lun):
    """What the child writes, as vsc/demo/disk.c has it."""
    return bytes((i * 7 + i // 512 * 13 + lun * 31 + 5) & 255 for i in range(WRITTEN))


@dataclasses.dataclass
class ChildDisks(Boot):
    """Boots with a store that has a raw image and a VHD of QEMU's, and with a second disk. The child
    writes the start of each; afterwards exactly that must have changed."""

    def run(self, context):
        before = pattern(DISK_SIZE)
        folder = context.directory / "store"
        folder.mkdir()
        (folder / "raw.img").write_bytes(before)
        log = context.directory / "images.log"
        run_program(context, ["qemu-img", "convert", "-O", "vpc", "-o", "subformat=fixed,force_size=on",
                              str(folder / "raw.img"), str(folder / "fixed.vhd")], 30, log)
        vhd = (folder / "fixed.vhd").read_bytes()
        if vhd[:-VHD_FOOTER] != before:
            raise Failure("qemu-img has not made the VHD that this test is about")
        (folder / "damaged.vhd").write_bytes(before + bytes((*vhd[-512:-400], 99, *vhd[-399:])))
        disk = (context.directory / "disk.img").resolve()
        store = (context.directory / "store.img").resolve()
        disk.write_bytes(before)
        run_program(context, ["tools/mkstore", "--size", "64", str(store), str(folder)], 30, log)
        disks = emulator.Disk(store), emulator.Disk(disk)
        Boot.run(dataclasses.replace(self, machine={**self.machine, "disks": disks}), context)
        for name in ("raw.img", "fixed.vhd"):
            run_program(context, ["mcopy", "-n", "-o", "-i", str(store), f"::{name}",
                                  str(context.directory / name)], 30, log)
        self._check(disk.read_bytes(), before, 0)
        self._check((context.directory / "raw.img").read_bytes(), before, 1)
        self._check((context.directory / "fixed.vhd").read_bytes(), vhd, 2)
        for path in (disk, store, context.directory / "raw.img", context.directory / "fixed.vhd"):
            path.unlink()

    def _check(self, after, before, lun):
        if after[:WRITTEN] != written(lun):
            raise Failure(f"disk {lun} does not have what the child has written")
        if after[WRITTEN:] != before[WRITTEN:]:
            raise Failure(f"disk {lun} has changed where the child has not written")


def boot(name, machine, **fields):
    commands = ("child disk=disk1 disk=/raw.img disk=/fixed.vhd vps=2 -- disk=write",
                "child disk=disk1 disk=/raw.img disk=/fixed.vhd -- disk", "onerror continue",
                "child disk=disk0 -- disk", "child disk=/none.img -- disk",
                "child disk=/raw.img disk=/raw.img -- disk", "child disk=/damaged.vhd -- disk",
                "poweroff")  # fmt: skip
    sectors = DISK_SIZE // 512
    must = (*(rf"^ok disk 0:{lun}: {sectors} sectors of 512 bytes$" for lun in range(3)),
            r"^child: disk0: the store is on it", r"^child: /none\.img: no such file",
            r"^child: /raw\.img: it is in use", r"^child: /damaged\.vhd: the footer's checksum is wrong",
            r"^AUTORUN FAIL at line 4 ")  # fmt: skip
    return ChildDisks(f"child-disk-{name}", {"memory": 512, **machine, "cpus": 2}, commands=commands,
                      must=must, image_options=MODULES, time_limit=180,
                      must_not=(*TROUBLE, AUTORUN_PASSED), **fields)


TESTS = [boot("max-svm", QEMU), boot("haswell-vmx", BOCHS)]
