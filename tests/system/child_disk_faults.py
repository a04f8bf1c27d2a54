"""Virtual disks when things go wrong: a child that leaves every protocol of the bus, and a disk with an
unreadable sector (docs/storvsp.md, docs/security.md)."""

import dataclasses
import re

import emulator
from harness.boot import TROUBLE, Boot, read_text
from harness.test import Failure

from .child import AUTORUN_PASSED, MODULES
from .child_disk import DISK_SIZE, check_written
from .pattern import pattern
from .platforms import BOCHS, QEMU

LOG_LINES_MAX = 2 * (8 + 1)  # of vmbus/host_internal.h, for a channel and for the bus
BAD_SECTOR = 1000  # within what the child reads


@dataclasses.dataclass
class DiskBoot(Boot):
    """Boots with one disk, disk0, for the child."""

    disk: dict = dataclasses.field(default_factory=dict, kw_only=True)  # of emulator.Disk

    def run(self, context):
        path = (context.directory / "disk.img").resolve()
        path.write_bytes(pattern(DISK_SIZE))
        disk = emulator.Disk(path, **self.disk)
        Boot.run(dataclasses.replace(self, machine={**self.machine, "disks": (disk,)}), context)
        path.unlink()


def hostile(name, machine):
    """The child with the bad manners loses its channels; it can connect again, and the disk is free for
    the next one."""
    rounds = [f"child disk=disk0 vps=2 -- hostile={seed},400" for seed in (1, 2)]
    must = (r"^hostile: 400 done$", r"warning: .*scsi 0.* the channel is closed",
            r"^ok disk 0:0: ", AUTORUN_PASSED)  # fmt: skip
    return DiskBoot(f"child-disk-hostile-{name}", {"memory": 512, **machine, "cpus": 2},
                    commands=(*rounds, "child disk=disk0 -- disk=write", "poweroff"), must=must,
                    must_not=(*TROUBLE, r"error: vid: "), image_options=MODULES,
                    time_limit=240)


@dataclasses.dataclass
class Neighbours(Boot):
    """Boots with a disk for each of two children; what the good one writes to its disk is there."""

    def run(self, context):
        disks = [(context.directory / f"disk{i}.img").resolve() for i in range(2)]
        for disk in disks:
            disk.write_bytes(pattern(DISK_SIZE))
        machine = {**self.machine, "disks": tuple(emulator.Disk(disk) for disk in disks)}
        Boot.run(dataclasses.replace(self, machine=machine), context)
        check_written(disks[1].read_bytes(), pattern(DISK_SIZE), 0)
        for disk in disks:
            disk.unlink()
        self._check_log(read_text(context.directory / "serial.log"))

    @staticmethod
    def _check_log(text):
        lines = re.findall(r"warning: vmbus: VM \d+: (scsi 0|bus): ", text)
        if len(lines) > LOG_LINES_MAX:
            raise Failure(f"the log has {len(lines)} lines about the hostile child")


def torn(name, machine, ms):
    """A child whose second VP rewrites what the first one sends, and one that works meanwhile."""
    commands = (f"child name=bad disk=disk0 vps=2 -- torn=1,{ms}", "child disk=disk1 -- disk=write",
                "child disk=disk1 -- disk", "vm list", "vm wait bad", "child disk=disk0 -- disk",
                "poweroff")  # fmt: skip
    must = (r"^ok disk 0:0: [\s\S]*^ok disk 0:0: [\s\S]*^bad +running",
            r"^torn: [1-9]\d* requests answered, [1-9]\d* channels lost, ",
            r"warning: .*scsi 0.* the channel is closed", AUTORUN_PASSED)  # fmt: skip
    return Neighbours(f"child-disk-torn-{name}", {"memory": 512, **machine, "cpus": 2},
                      commands=commands, must=must, must_not=(*TROUBLE, r"error: vid: "),
                      image_options=MODULES, time_limit=240)


def bad_sector(name, machine):
    """The child is told, the console once, and the other sectors can be read."""
    must = (r"scsi 0.*: a request to disk0 failed: ", r"^FAIL disk 0:0: .*, it cannot be read$",
            r"^AUTORUN FAIL at line 2 ")  # fmt: skip
    return DiskBoot(f"child-disk-bad-sector-{name}", {"memory": 512, **machine, "cpus": 2},
                    commands=("onerror continue", "child disk=disk0 -- disk", "poweroff"), must=must,
                    must_not=(r"PANIC", r"a request to disk0 failed[\s\S]*a request to disk0 failed"),
                    disk={"bad_sector": BAD_SECTOR}, image_options=MODULES, time_limit=120)


TESTS = [hostile("max-svm", QEMU), hostile("haswell-vmx", BOCHS),
         torn("max-svm", QEMU, ms=6000), torn("haswell-vmx", BOCHS, ms=6000),
         bad_sector("max-svm", QEMU)]  # fmt: skip
