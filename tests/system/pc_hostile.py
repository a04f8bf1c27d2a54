"""A hostile system on the emulated PC: random accesses and transfers of all its devices, from random
addresses to random addresses (tests/guest/pc_hostile.asm). Its worker does not fail, and nobody else has
any harm (docs/worker.md)."""

import dataclasses

import emulator
from harness.boot import TROUBLE, Boot
from harness.test import run_program

from .child import AUTORUN_PASSED, MODULES
from .child_disk import DISK_SIZE, check_written
from .pattern import pattern
from .platforms import BOCHS, QEMU

SOURCE = "tests/guest/pc_hostile.asm"
CD_SIZE, FLOPPY_SIZE = 2048 * 500, 1440 << 10


def make_rom(context, path, seed, steps):
    """The hostile firmware."""
    command = ["nasm", "-f", "bin", f"-DSEED={seed}", f"-DSTEPS={steps}", "-o", str(path), SOURCE]
    run_program(context, command, 30, context.directory / "build.log")


@dataclasses.dataclass
class PcHostile(Boot):
    """Boots, and starts a child that uses its own disks, and the hostile machine with all it can have."""

    seed: int = 1
    steps: int = 100000

    def run(self, context):
        directory = context.directory.resolve()
        log = directory / "build.log"
        rom = directory / "rom"
        make_rom(context, rom, self.seed, self.steps)
        folder = directory / "store"
        folder.mkdir()
        (folder / "c.iso").write_bytes(pattern(CD_SIZE))
        (folder / "f.img").write_bytes(bytes(FLOPPY_SIZE))
        (folder / "other.img").write_bytes(pattern(DISK_SIZE))
        store, mine, others = (directory / name for name in ("store.img", "mine.img", "others.img"))
        run_program(context, ["tools/mkstore", "--size", "64", str(store), str(folder)], 30, log)
        mine.write_bytes(bytes(DISK_SIZE))
        others.write_bytes(pattern(DISK_SIZE))
        machine = {**self.machine, "disks": tuple(map(emulator.Disk, (store, mine, others)))}
        Boot.run(dataclasses.replace(self, machine=machine, commands=self._commands(),
                                     image_options=(*MODULES, f"--module={rom}=firmware")),
                 context)  # fmt: skip
        check_written(others.read_bytes(), pattern(DISK_SIZE), 0)
        run_program(context, ["/usr/sbin/fsck.fat", "-n", str(store)], 30, log)
        copy = directory / "other.img"
        run_program(context, ["mcopy", "-n", "-o", "-i", str(store), "::other.img", str(copy)], 30, log)
        check_written(copy.read_bytes(), pattern(DISK_SIZE), 1)
        for path in (store, mine, others, copy):
            path.unlink()

    def _commands(self):
        good = "disk=disk2 disk=/other.img"
        return ("switch create lan private",
                f"child name=good {good} switch=lan switch=lan -- disk=write ip=10.0.0.1,10.0.0.2 "
                "ping=10.0.0.2,20 serve=4,100",
                "child machine=pc disk=disk1 cd=/c.iso floppy=/f.img switch=lan vps=2 memory=16",
                "vm list", "vm wait good", "child disk=disk1 -- disk", f"child {good} -- disk",
                "rm /c.iso", "rm /f.img", "poweroff")  # fmt: skip


def boot(name, machine, **fields):
    must = (r"^ok disk 0:0: ", r"^ok ping 10\.0\.0\.2: ", r"^hostile: done after", AUTORUN_PASSED)
    must_not = (*TROUBLE, r"^AUTORUN FAIL", r"has failed", r"error: vid: ", r"cannot be emulated")
    return PcHostile(f"child-pc-hostile-{name}", {"memory": 512, **machine, "cpus": 2}, must=must,
                     must_not=must_not, time_limit=120, **fields)  # fmt: skip


TESTS = [boot("max-svm", QEMU), boot("haswell-vmx", BOCHS, steps=5000)]
