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
SPARSE = 4 << 20  # bytes of zeros at the start of the dynamic VHD: two blocks that are not there
DYNAMIC_LUN = 3


def written(lun):
    """What the child writes, as vsc/demo/disk.c has it."""
    return bytes((i * 7 + i // 512 * 13 + lun * 31 + 5) & 255 for i in range(WRITTEN))


def make_images(context, folder, before, log):
    """A raw image, VHDs of QEMU's of both kinds, and a damaged one. Returns the fixed VHD's bytes."""
    vhd = ["qemu-img", "convert", "-f", "raw", "-O", "vpc", "-o"]
    (folder / "raw.img").write_bytes(before)
    run_program(context, [*vhd, "subformat=fixed,force_size=on", str(folder / "raw.img"),
                          str(folder / "fixed.vhd")], 30, log)  # fmt: skip
    sparse = context.directory / "sparse.img"
    sparse.write_bytes(bytes(SPARSE) + before[SPARSE:])
    run_program(context, [*vhd, "subformat=dynamic,force_size=on", str(sparse),
                          str(folder / "dynamic.vhd")], 30, log)  # fmt: skip
    if (folder / "dynamic.vhd").stat().st_size > DISK_SIZE - SPARSE // 2:
        raise Failure("qemu-img has not left out the zeros of the dynamic VHD")
    fixed = (folder / "fixed.vhd").read_bytes()
    if fixed[:-VHD_FOOTER] != before:
        raise Failure("qemu-img has not made the VHD that this test is about")
    (folder / "damaged.vhd").write_bytes(before + bytes((*fixed[-512:-400], 99, *fixed[-399:])))
    return fixed


def check_written(after, before, lun):
    """A disk has what the child writes to it as LUN `lun`, and else what it had before."""
    if after[:WRITTEN] != written(lun):
        raise Failure(f"disk {lun} does not have what the child has written")
    if after[WRITTEN:] != before[WRITTEN:]:
        raise Failure(f"disk {lun} has changed where the child has not written")


@dataclasses.dataclass
class ChildDisks(Boot):
    """Boots with a store that has a raw image and VHDs of QEMU's, and with a second disk. The child
    writes the start of each; afterwards exactly that must have changed, and the store be clean."""

    def run(self, context):
        before = pattern(DISK_SIZE)
        folder = context.directory / "store"
        folder.mkdir()
        log = context.directory / "images.log"
        fixed = make_images(context, folder, before, log)
        disk = (context.directory / "disk.img").resolve()
        store = (context.directory / "store.img").resolve()
        disk.write_bytes(before)
        run_program(context, ["tools/mkstore", "--size", "64", str(store), str(folder)], 30, log)
        disks = emulator.Disk(store), emulator.Disk(disk)
        Boot.run(dataclasses.replace(self, machine={**self.machine, "disks": disks}), context)
        run_program(context, ["/usr/sbin/fsck.fat", "-n", str(store)], 30, log)
        check_written(disk.read_bytes(), before, 0)
        check_written(self._copy(context, store, "raw.img", log), before, 1)
        check_written(self._copy(context, store, "fixed.vhd", log), fixed, 2)
        self._copy(context, store, "dynamic.vhd", log)
        vhd, raw = context.directory / "dynamic.vhd", context.directory / "dynamic.raw"
        run_program(context, ["qemu-img", "convert", "-f", "vpc", "-O", "raw", str(vhd), str(raw)], 30,
                    log)  # fmt: skip
        check_written(raw.read_bytes(), bytes(SPARSE) + before[SPARSE:], DYNAMIC_LUN)
        for name in ("disk.img", "store.img", "sparse.img", "raw.img", "fixed.vhd", "dynamic.vhd",
                     "dynamic.raw"):  # fmt: skip
            (context.directory / name).unlink()

    @staticmethod
    def _copy(context, store, name, log):
        path = context.directory / name
        run_program(context, ["mcopy", "-n", "-o", "-i", str(store), f"::{name}", str(path)], 30, log)
        return path.read_bytes()


def boot(name, machine, **fields):
    disks = "disk=disk1 disk=/raw.img disk=/fixed.vhd disk=/dynamic.vhd"
    commands = (f"child {disks} vps=2 -- disk=write", f"child {disks} -- disk", "onerror continue",
                "child disk=disk0 -- disk", "child disk=/none.img -- disk",
                "child disk=/raw.img disk=/raw.img -- disk", "child disk=/damaged.vhd -- disk",
                "poweroff")  # fmt: skip
    sectors = DISK_SIZE // 512
    must = (*(rf"^ok disk 0:{lun}: {sectors} sectors of 512 bytes$" for lun in range(DYNAMIC_LUN + 1)),
            r"^child: disk0: the store is on it", r"^child: /none\.img: no such file",
            r"^child: /raw\.img: it is in use", r"^child: /damaged\.vhd: the footer's checksum is wrong",
            r"^AUTORUN FAIL at line 4 ")  # fmt: skip
    return ChildDisks(f"child-disk-{name}", {"memory": 512, **machine, "cpus": 2}, commands=commands,
                      must=must, image_options=MODULES, time_limit=180,
                      must_not=(*TROUBLE, AUTORUN_PASSED), **fields)


TESTS = [boot("max-svm", QEMU), boot("haswell-vmx", BOCHS)]
