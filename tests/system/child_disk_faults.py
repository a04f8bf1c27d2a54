"""Virtual disks when things go wrong: a child that leaves every protocol of the bus, and a disk with an
unreadable sector (docs/storvsp.md, docs/security.md)."""

import dataclasses

import emulator
from harness.boot import TROUBLE, Boot

from .child import AUTORUN_PASSED, MODULES
from .child_disk import DISK_SIZE
from .pattern import pattern
from .platforms import BOCHS, QEMU

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


def bad_sector(name, machine):
    """The child is told, the console once, and the other sectors can be read."""
    must = (r"scsi 0.*: a request to disk0 failed: ", r"^FAIL disk 0:0: .*, it cannot be read$",
            r"^AUTORUN FAIL at line 2 ")  # fmt: skip
    return DiskBoot(f"child-disk-bad-sector-{name}", {"memory": 512, **machine, "cpus": 2},
                    commands=("onerror continue", "child disk=disk0 -- disk", "poweroff"), must=must,
                    must_not=(r"PANIC", r"a request to disk0 failed[\s\S]*a request to disk0 failed"),
                    disk={"bad_sector": BAD_SECTOR}, image_options=MODULES, time_limit=120)


TESTS = [hostile("max-svm", QEMU), hostile("haswell-vmx", BOCHS), bad_sector("max-svm", QEMU)]
