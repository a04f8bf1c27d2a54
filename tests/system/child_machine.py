"""What the console has to do with a worker of an emulated machine, by a program in place of the worker
that obeys, is silent, answers nonsense, or crashes (parent/user/programs/machine.c)."""

import dataclasses

import emulator
from harness.boot import TROUBLE, Boot
from harness.test import Failure, run_program

from .platforms import BOCHS, QEMU

DISK_SECTORS, CD_SECTORS, FLOPPY_SECTORS = 4096, 500, 2880
PICTURE = b"P6\n3 2\n255\n" + b"rgbRGB" * 3

# Commands, and what must be said. What the program says when it starts may be amid the next command.
STEPS = (
    ("child machine=pc name=good firmware=/fw disk=/d.img cd=empty floppy=/f.img disk=/e.img vps=1 "
     "boot=dc",
     r"machine: word machine=pc$", r"machine: word firmware=65536$", r"machine: word vps=1$",
     r"machine: word boot=dc$", r"machine: word attach=cd:2:empty$",
     rf"machine: attach=fd:0 is handle 4: {FLOPPY_SECTORS} sectors of 512 bytes$",
     rf"machine: attach=hd:0 is handle 5: {DISK_SECTORS} sectors of 512 bytes$",
     rf"machine: attach=hd:1 is handle 6: {DISK_SECTORS} sectors of 512 bytes$",
     r"machine: 6 handles, 6 of them known$"),
    ("vm insert good cd:2 /c.iso",
     rf"machine: cd:2 is handle \d+: {CD_SECTORS} sectors of 2048 bytes, read-only$"),
    ("vm insert good cd:2 /c.iso", r"^vm: good: there is a medium in the drive$"),
    ("vm insert good hd:0 /c.iso", r"^vm: /c\.iso: it has sectors of 2048 bytes"),
    ("vm eject good cd:2",),
    ("vm eject good cd:2", r"^vm: good: there is no medium in the drive"),
    ("vm insert good cd:2 /none.iso", r"^vm: /none\.iso: no such file"),
    ("vm eject good hd:0", r"^vm: good: the machine has no such drive for media$"),
    # Images can be used again when they are ejected.
    ("vm insert good cd:2 /c.iso",), ("vm eject good fd:0",), ("rm /f.img",),
    ("vm keys good ctrl-alt-delete",
     r"key 1d down\nmachine: key 38 down\nmachine: key e053 down\nmachine: key e053 up\n"
     r"machine: key 38 up\nmachine: key 1d up$"),
    ("vm type good A", r"key 2a down\nmachine: key 1e down\nmachine: key 1e up\nmachine: key 2a up$"),
    ("vm keys good nokey", r"^vm: nokey is no key"),
    ("vm mouse good 5 -7 1", r"machine: mouse 5 -7 buttons 1$"),
    ("vm screen good", r"^First \?\[31m row\nSecond \? row$"),
    ("vm screenshot good /shot.ppm", r"^/shot\.ppm: 3 by 2 pixels$"),
    ("child machine=pc name=silent firmware=/fw vps=2 cd=/c.iso",),
    ("vm screen silent", r"^vm: silent: its worker does not answer$"),
    ("vm eject silent cd:2", r"^vm: silent: its worker does not answer$"),
    ("vm kill silent",),
    ("child machine=pc name=nonsense firmware=/fw vps=3",),
    ("vm screen nonsense", r"^vm: nonsense: its worker says that it has an impossible size$"),
    ("vm screenshot nonsense /bad.ppm", r"^vm: nonsense: its worker says that it has an impossible"),
    ("vm type nonsense a", r"^vm: nonsense: its system does not read the keyboard$"),
    ("vm button nonsense", r"^vm: nonsense: its answer is nonsense$"),
    ("child machine=pc name=crash firmware=/fw vps=4 disk=/g.img",),
    ("vm screen crash", r"^vm: crash: its worker does not answer$"),
    ("vm type good abc",),  # takes the time that the end of the process may take
    ("vm list", r"^crash +has failed: its worker made an exception, #UD", r"^good +running$",
     r"^nonsense +running$"),
    ("vm wait crash",),
    # Its disk is free.
    ("rm /g.img",),
    ("vm button good",), ("vm wait good", r"^no endgood ended with status 0$"),
    ("vm kill nonsense",),
    # With a bus, the disk has two users. The program knows no devices of it.
    ("child machine=pc vmbus name=both firmware=/fw disk=/e.img vps=1", r"machine: word devices=1$",
     r"machine: 5 handles, 4 of them known$"),
    ("disk check /e.img", r"^disk: /e\.img: it is in use"),
    ("vm button both",), ("vm wait both", r"^no endboth ended with status 0$"), ("rm /e.img",),
    # DVD drives on a bus.
    ("child name=bus kernel=/fw disk=/c.iso disk=/d.img vps=2",),
    ("vm eject bus 0",),
    ("vm eject bus 0", r"^vm: LUN 0 is no DVD drive with a medium$"),
    ("vm insert bus 0 /none.iso", r"^vm: /none\.iso: no such file"),
    ("vm insert bus 0 /c.iso",),
    ("vm insert bus 0 /c.iso", r"^vm: /c\.iso: LUN 0 is no drive that is empty"),
    ("vm eject bus 1", r"^vm: LUN 1 is no DVD drive with a medium$"),
    ("vm eject bus cd:2", r"^vm: bus: cd:2 is no drive\."),
    ("vm keys bus a", r"^vm: bus: it has no keyboard driver that listens$"),
    ("vm button bus", r"^vm: bus: it was not started with machine=pc$"),
    ("vm eject bus 0",), ("rm /c.iso",), ("vm kill bus",),
    ("child machine=pc kernel=/fw", r"^child: machine=pc has firmware"),
    ("child machine=pc firmware=/fw cd=/d.img", r"^child: /d\.img: it has sectors of 512 bytes"),
    ("child firmware=/fw", r"^child: firmware=, optionrom=, cd= and floppy= are for machine=pc$"),
)  # fmt: skip


@dataclasses.dataclass
class ChildMachine(Boot):
    """Boots with a store that has firmware and images."""

    def run(self, context):
        folder = context.directory / "store"
        folder.mkdir()
        log = context.directory / "images.log"
        sizes = {"fw": 65536, "d.img": DISK_SECTORS * 512, "e.img": DISK_SECTORS * 512,
                 "g.img": DISK_SECTORS * 512, "c.iso": CD_SECTORS * 2048,
                 "f.img": FLOPPY_SECTORS * 512}  # fmt: skip
        for name, size in sizes.items():
            (folder / name).write_bytes(bytes(size))
        store = (context.directory / "store.img").resolve()
        run_program(context, ["tools/mkstore", "--size", "64", str(store), str(folder)], 30, log)
        machine = {**self.machine, "disks": (emulator.Disk(store),)}
        Boot.run(dataclasses.replace(self, machine=machine), context)
        run_program(context, ["/usr/sbin/fsck.fat", "-n", str(store)], 30, log)
        shot = context.directory / "shot.ppm"
        run_program(context, ["mcopy", "-n", "-o", "-i", str(store), "::shot.ppm", str(shot)], 30, log)
        if shot.read_bytes() != PICTURE:
            raise Failure("the picture of the screen is not what the machine shows")
        store.unlink()


def boot(name, machine):
    commands = ("onerror continue", *(step[0] for step in STEPS), "poweroff")
    must = tuple(pattern for step in STEPS for pattern in step[1:])
    return ChildMachine(f"child-machine-{name}", {"memory": 512, **machine, "cpus": 2},
                        commands=commands, must=must, time_limit=180,
                        image_options=("--module=BUILD/programs/machine.elf=worker",),
                        must_not=(*TROUBLE, r"^rm: "))


TESTS = [boot("max-svm", QEMU), boot("haswell-vmx", BOCHS)]
