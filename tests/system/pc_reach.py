"""What a worker reaches: its own machine's disk and port, and nothing else. By a program in place of the
worker that tries (parent/user/programs/reach.c)."""

import dataclasses

import emulator
from harness.boot import TROUBLE, Boot
from harness.test import Failure, run_program

from .child import AUTORUN_PASSED
from .pattern import pattern
from .platforms import QEMU

SIZE = 4096 * 512


@dataclasses.dataclass
class PcReach(Boot):
    """Boots with a store that has an image for each of two machines."""

    def run(self, context):
        folder = context.directory / "store"
        folder.mkdir()
        log = context.directory / "images.log"
        (folder / "fw").write_bytes(bytes(65536))
        for name in ("mine.img", "other.img"):
            (folder / name).write_bytes(pattern(SIZE))
        store = (context.directory / "store.img").resolve()
        run_program(context, ["tools/mkstore", "--size", "64", str(store), str(folder)], 30, log)
        machine = {**self.machine, "disks": (emulator.Disk(store),)}
        Boot.run(dataclasses.replace(self, machine=machine), context)
        run_program(context, ["/usr/sbin/fsck.fat", "-n", str(store)], 30, log)
        mine, other = (self._copy(context, store, name, log) for name in ("mine.img", "other.img"))
        if other != pattern(SIZE):
            raise Failure("the other machine's disk has changed")
        if mine != pattern(SIZE)[:-512] + bytes(512):
            raise Failure("its own disk does not have what it has written, and nothing else")
        store.unlink()

    @staticmethod
    def _copy(context, store, name, log):
        path = context.directory / name
        run_program(context, ["mcopy", "-n", "-o", "-i", str(store), f"::{name}", str(path)], 30, log)
        return path.read_bytes()


TESTS = [
    PcReach("child-pc-reach-svm", {"memory": 512, **QEMU, "cpus": 2}, time_limit=60,
            image_options=("--module=BUILD/programs/reach.elf=worker",),
            commands=("switch create lan private",
                      "child machine=pc name=other firmware=/fw disk=/other.img switch=lan vps=2",
                      "child machine=pc firmware=/fw disk=/mine.img switch=lan", "vm kill other",
                      "poweroff"),
            must=(r"^reach: nothing else$", AUTORUN_PASSED), must_not=(*TROUBLE, r"^AUTORUN FAIL")),
]  # fmt: skip
