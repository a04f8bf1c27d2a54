"""Machines that fail beside others: one worker is killed, one crashes, one guest's system triple faults. All
three are marked as failed, with the reason; their memory comes back, their disks are free and the store is
sound; the others go on (docs/worker.md)."""

import dataclasses

import emulator
from guest import debian, steps
from harness.boot import TROUBLE, Boot, read_text
from harness.test import run_program

from .child_disk import DISK_SIZE, check_written
from .linux_guest import PANIC, check_file_system, judge_steps
from .pattern import pattern
from .pc_hostile import make_rom
from .pc_linux import DATA_SIZE, IMAGE_OPTIONS, make_disk
from .pc_memory import check_returned, shown
from .platforms import BOCHS, QEMU

STEPS = ("info", "disk-make", "disk-verify")
FAILED = ("crash", "kill", "triple")  # their names, and those of their images


@dataclasses.dataclass
class Faults(Boot):
    """Boots, and starts them all."""

    linux: bool = True  # one of those that go on is a PC with Linux

    def run(self, context):
        directory = context.directory.resolve()
        store, good, system = (directory / name for name in ("store.img", "good.img", "linux.img"))
        self._make_store(context, store)
        good.write_bytes(pattern(DISK_SIZE))
        disks = [emulator.Disk(store), emulator.Disk(good)]
        if self.linux:
            make_disk(context, system, debian.CLOUD_KERNEL, f"steps={','.join(STEPS)}")
            disks.append(emulator.Disk(system))
        Boot.run(dataclasses.replace(self, machine={**self.machine, "disks": tuple(disks)},
                                     commands=self._commands(), image_options=IMAGE_OPTIONS),
                 context)  # fmt: skip
        text = read_text(directory / "serial.log")
        # More machines at once than before, whose peak leaves something: pc_memory.py is exact.
        check_returned(*shown(text), kept=1024)
        check_written(good.read_bytes(), pattern(DISK_SIZE), 0)
        run_program(context, ["/usr/sbin/fsck.fat", "-n", str(store)], 30, directory / "images.log")
        if self.linux:
            self._judge_linux(context, system, text)
            system.unlink()
        store.unlink()
        good.unlink()

    def _make_store(self, context, store):
        folder = context.directory / "store"
        folder.mkdir()
        make_rom(context, folder / "rom", seed=1, steps=100000000)
        for name in FAILED:
            (folder / f"{name}.img").write_bytes(pattern(DISK_SIZE))
        run_program(context, ["tools/mkstore", "--size", "64", str(store), str(folder)], 30,
                    context.directory / "images.log")  # fmt: skip

    @staticmethod
    def _judge_linux(context, disk, text):
        judge_steps(text, STEPS)
        data = context.directory / "data.img"
        data.write_bytes(disk.read_bytes()[-DATA_SIZE:])
        check_file_system(context, data, steps.words(text, "disk-make"))
        data.unlink()

    def _commands(self):
        lan = "switch=lan switch=lan -- ip=10.0.0.1,10.0.0.2 ping=10.0.0.2"
        return ("switch create lan private", f"child disk=disk1 {lan},1 disk", "memory",  # process 1
                *(("child machine=pc name=linux disk=disk2 memory=192",) if self.linux else ()),
                f"child name=good disk=disk1 {lan},20 serve=12,100 disk=write",
                "child machine=pc name=crash firmware=/rom disk=/crash.img switch=lan vps=2 memory=16 fault=6",
                "child name=kill disk=/kill.img vps=2 -- torn=1,600000",
                "child name=triple disk=/triple.img -- triplefault",
                "vm list", "sleep 8", "ps", f"kill {5 if self.linux else 4}", "sleep 1", "vm list",
                "onerror continue", *(f"vm wait {name}" for name in FAILED), "onerror stop",
                *(f"child disk=/{name}.img -- disk" for name in FAILED), "vm wait good",
                *(("vm wait linux",) if self.linux else ()), "vm list", "memory", "poweroff")  # fmt: skip


def boot(name, machine, **fields):
    must = (r"^crash +has failed: its worker made an exception, #UD at ",
            r"^kill +has failed: its worker was killed", r"^triple +has failed: its system made triple faults",
            r"^good +running", r"^ok ping 10\.0\.0\.2: 20 sent, 20 answered$", r"^good ended with status 0$",
            r"^hostile: seed 1: .*, step [1-9]")  # fmt: skip
    must_not = (*TROUBLE, r"^AUTORUN FAIL at line (?!1[5-8] )", r"error: vid: ", PANIC)
    return Faults(f"child-pc-faults-{name}", {"memory": 1024, **machine, "cpus": 2}, must=must,
                  must_not=must_not, **fields)  # fmt: skip


TESTS = [boot("max-svm", QEMU, time_limit=180),
         boot("haswell-vmx", BOCHS, time_limit=240, linux=False)]  # fmt: skip
