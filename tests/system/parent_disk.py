"""Boots that test the parent's block layer and disk drivers on images with a known content."""

import dataclasses
import struct

import emulator
from harness.boot import PASSED, Boot
from harness.test import Failure

from .pattern import pattern
from .platforms import BOCHS, QEMU

# Bochs wants whole cylinders of 16 heads and 63 sectors.
CYLINDER = 16 * 63 * 512
DISK_SIZE = 16 * CYLINDER
BAD_SECTOR = 5000

Q35 = {**QEMU, "board": "q35"}


@dataclasses.dataclass
class DiskBoot(Boot):
    """Boots with a disk that holds the pattern; afterwards its first half must hold it still, and the
    second half its complement if the test writes."""

    kind: str = dataclasses.field(default="disk", kw_only=True)
    disk: dict = dataclasses.field(default_factory=dict, kw_only=True)  # of emulator.Disk
    writes: bool = dataclasses.field(default=True, kw_only=True)

    def run(self, context):
        path = (context.directory / "disk.img").resolve()
        before = pattern(DISK_SIZE)
        path.write_bytes(before)
        disk = emulator.Disk(path, self.kind, **self.disk)
        boot = dataclasses.replace(self, machine={**self.machine, "disks": (disk,)})
        Boot.run(boot, context)
        self._check_image(path, before)
        path.unlink()

    def _check_image(self, path, before):
        after = path.read_bytes()
        half = DISK_SIZE // 2
        second = bytes(255 - byte for byte in before[half:]) if self.writes else before[half:]
        if after[:half] != before[:half]:
            raise Failure("the half of the disk that is only read has changed")
        if after[half:] != second:
            raise Failure("the other half of the disk is not what was written")


def disk_test(name, machine, test="disk", options="", sector_size=512, device="disk0", **fields):
    parent = f"selftest={test} disk={device} sectors={DISK_SIZE // sector_size} {options}"
    fields.setdefault("must", (rf"^ok {test}: ", PASSED))
    return DiskBoot(f"parent-disk-{name}", machine, parent=parent.strip(), **fields)


def cd_test(name, machine, device="cd0", **fields):
    return disk_test(name, machine, sector_size=2048, device=device, kind="cd", writes=False,
                     **fields)


def error_test(name, machine):
    return disk_test(name, machine, "disk-errors", f"bad={BAD_SECTOR}",
                     disk={"bad_sector": BAD_SECTOR}, writes=False)


def cd_error_test(name, machine):
    """The emulator counts sectors of 512 bytes for a CD, too."""
    return disk_test(name, machine, "disk-errors", f"bad={BAD_SECTOR // 4}", sector_size=2048,
                     device="cd0", kind="cd", disk={"bad_sector": BAD_SECTOR}, writes=False)


def stall_test(name, machine):
    """The disk stops until a command has timed out and the driver has reset it.

    QEMU answers to nobody while it cancels a request that is being held back: that is why the disk
    is made slow, not stopped, which holds a request back for 41 s.
    """
    monitor = (("the disk may stall", "block_set_io_throttle disk0 0 1600 0 0 0 0"),
               ("no answer for 30 s", "block_set_io_throttle disk0 0 0 0 0 0 0"))  # fmt: skip
    must = (r"warning: disk0: no answer for 30 s$", r"^ok disk-stall: ", PASSED)
    return disk_test(name, machine, "disk-stall", monitor=monitor, must=must, writes=False,
                     time_limit=120)


def mbr_entry(kind, start, count):
    return struct.pack("<8BII", 0, 0, 0, 0, kind, 0, 0, 0, start, count)


def mbr_image():
    """A disk with two primary partitions and a logical one."""
    image = bytearray(DISK_SIZE)
    extended = 10000
    entries = mbr_entry(0x0C, 2048, 4000), mbr_entry(0x83, 6048, 100), mbr_entry(5, extended, 5000)
    image[446:494] = b"".join(entries)
    image[510:512] = b"\x55\xaa"
    logical = extended * 512
    image[logical + 446:logical + 462] = mbr_entry(0x06, 63, 1000)
    image[logical + 510:logical + 512] = b"\x55\xaa"
    return bytes(image)


@dataclasses.dataclass
class PartitionBoot(Boot):
    """Boots with a disk that has partitions, and wants to see them."""

    def run(self, context):
        path = (context.directory / "disk.img").resolve()
        path.write_bytes(mbr_image())
        boot = dataclasses.replace(self, machine={**self.machine, "disks": (emulator.Disk(path),)})
        Boot.run(boot, context)


def partition_test():
    must = (r"disk0p1: partition of type 0c, 4000 sectors from 2048 on$",
            r"disk0p2: partition of type 83, 100 sectors from 6048 on$",
            r"disk0p5: partition of type 06, 1000 sectors from 10063 on$",
            r"^ok partitions: ", PASSED)  # fmt: skip
    return PartitionBoot("parent-disk-partitions-svm", {**QEMU, "cpus": 2},
                         parent="selftest=partitions", must=must)


def qemu_tests():
    four = {"cpus": 4, "parallel": True}
    yield disk_test("ide-svm", {**QEMU, "cpus": 2})
    yield disk_test("ide-parallel-svm", {**QEMU, **four}, cores=2)
    yield disk_test("ahci-svm", {**Q35, "cpus": 2})
    yield disk_test("ahci-parallel-svm", {**Q35, **four}, cores=2)
    yield disk_test("ahci-pc-svm", {**QEMU, "cpus": 2}, disk={"ahci": True})
    yield disk_test("ahci-uefi-svm", {**Q35, "cpus": 2, "firmware": "uefi"}, time_limit=90)
    # Memory that the IDE controller does not reach.
    high = (r"note disk .*: read to [1-9a-f][0-9a-f]{8}$", r"^ok disk: ", PASSED)
    yield disk_test("ide-6gib-svm", {**QEMU, "cpus": 2, "memory": 6144}, time_limit=90, must=high)
    yield cd_test("ide-cd-svm", {**QEMU, "cpus": 2})
    yield cd_test("ahci-cd-svm", {**Q35, "cpus": 2})
    yield error_test("ide-errors-svm", {**QEMU, "cpus": 2})
    yield error_test("ahci-errors-svm", {**Q35, "cpus": 2})
    yield cd_error_test("ide-cd-errors-svm", {**QEMU, "cpus": 2})
    yield cd_error_test("ahci-cd-errors-svm", {**Q35, "cpus": 2})
    yield stall_test("ide-stall-svm", {**QEMU, "cpus": 2})
    yield stall_test("ahci-stall-svm", {**Q35, "cpus": 2})
    yield partition_test()
    for board in ("pc", "q35"):
        yield Boot(f"parent-disk-none-{board}-svm", {**QEMU, "board": board},
                   parent="selftest=no-disk", must=(r"^ok no-disk: ", PASSED))


def bochs_tests():
    for cpus in (1, 2):
        yield disk_test(f"ide-{cpus}cpu-vmx", {**BOCHS, "cpus": cpus}, time_limit=120)
    # The first CD is the one that it boots from.
    yield cd_test("ide-cd-vmx", {**BOCHS, "cpus": 2}, device="cd1", time_limit=120)


def call_tests():
    """System calls of programs on a disk."""
    options = {"image_options": ("--module=BUILD/programs/disk.elf=disk",)}
    yield disk_test("calls-svm", {**QEMU, "cpus": 2}, "disk-calls", **options, time_limit=120)
    yield disk_test("calls-ahci-parallel-svm", {**Q35, "cpus": 4, "parallel": True}, "disk-calls",
                    **options, time_limit=120, cores=2)
    yield disk_test("calls-vmx", {**BOCHS, "cpus": 2}, "disk-calls", **options, time_limit=180)


TESTS = [*qemu_tests(), *bochs_tests(), *call_tests()]
