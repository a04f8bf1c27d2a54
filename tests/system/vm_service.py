"""The VM service: machines that are described on the store (docs/manual.md), over two starts of the
system. The first has the real worker and the demo child, the second a program in place of the worker
that obeys, is silent or crashes (parent/user/programs/machine.c)."""

import dataclasses
import subprocess

import emulator
from harness.boot import TROUBLE, Boot
from harness.test import Failure, run_program

from .child import MODULES
from .platforms import BOCHS, QEMU

MACHINE = "--module=BUILD/programs/machine.elf=worker"
MAC = r"02:15:5d(?::[0-9a-f]{2}){3}"
PC = "kind=pc firmware=/fw"

# Commands, and what must be said.
FIRST = (
    ("vm list", r"vmms: machine half was being made when the system ended", r"^broken +off "),
    ("switch create lan private",),
    ("vm create demo --template demo disk.1=8M nic.0=lan", r"^demo is there: vm start demo starts it"),
    ("vm create demo", r"^vm: demo: there is such a machine\. vm edit changes it$"),
    ("vm create Demo", r"^vm: Demo: no name\. Names are"),
    ("vm create a --template none", r"^vm: none: there is no such template"),
    ("vm create a memmory=5", r"^vm: there is no key memmory; is memory meant\?$"),
    ("vm create a disk.0=8M cd=/c.iso", r"^vm: firmware, optionrom, cd, floppy and boot are for kind = pc"),
    ("vm create a --template /bad.conf", r"^vm: /bad\.conf:2: processors = many: say a number"),
    ("ls /vms", r"^\+ ls /vms\n.* broken/\n.* demo/\n\+ "),  # nothing is left of those
    ("vm show demo", r"^# demo is off\nkind = enlightened\nprocessors = 1\nmemory = 64\ncmdline = test\n"
     rf"disk\.1 = /vms/demo/disk1\.vhd\nnic\.0 = lan,{MAC}\n"),
    ("vm start demo", r"^demo is started: "),
    ("vm start demo", r"^vm: demo: it runs already$"),
    ("vm delete demo --yes", r"^vm: demo runs\. vm stop or vm kill ends it$"),
    ("vm wait demo", r"^child: \d+ passed, 0 failed$", r"^demo ended with status 0$"),
    ("vm start demo",), ("vm kill demo",), ("vm start demo",), ("vm wait demo",),
    ("sleep 1",), ("vm list", r"^demo +off +enlightened +1 CPU +64 MiB$"),
    ("vm log demo", r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d created\n", r" starting with 1 processors and 64 MiB$",
     r"^\d{4}-\S+ \S+ ended$"),
    ("vm edit demo memory=4G cmdline=spin processors=2",),
    ("vm start demo", r"^vm: it wants 4096 MiB of memory; a machine may have a quarter of this system's "),
    ("vm list --json", r'^ \{"name": "demo", "state": "failed", "reason": "it wants 4096 MiB.*", '
     r'"kind": "enlightened", "processors": 2, "memory": 4096\}\]$'),
    ("vm edit demo memory= nic.0=", ),
    ("vm show demo --json", r'^\{"name": "demo", .*"memory": 64, "cmdline": "spin", .*\}$'),
    ("vm start demo",),
    ("vm stop demo", r"^vm: demo has no driver that listens\. vm kill ends it at once$"),
    ("vm stop demo --force",),
    ("vm stop demo", r"^vm: demo: it does not run"),
    ("vm list", r"^demo +off +enlightened +2 CPU +64 MiB$"),
    ("vm start demo",), ("vm kill demo",),
    ("vm create other kernel=/none",),
    ("vm start other", r"^vm: /none: no such file"),
    ("vm list", r"^other +failed .*/none: no such file"),
    ("vm delete other --yes", r"^other is deleted$"),
    (f"vm create good {PC} disk.0=8M autostart=yes stop_timeout=20",),
    (f"vm create silent {PC} processors=2 autostart=yes stop_timeout=2",),
    (f"vm create crash {PC} processors=4 stop=kill",),
    ("vm list broken",  r"^vm: broken: not so"),
    ("vm show broken", r"^vm: /vms/broken/vm\.conf:1: there is no key memmory; is memory meant\?$",
     r"^vm: /vms/broken/vm\.conf:3: processors = many: say a number from 1 to 32$"),
    ("vm list", r"^broken +off +its vm\.conf is not good: vm show broken says why$"),
    ("vm start broken", r"^vm: /vms/broken/vm\.conf:1: "),
    ("vm edit broken memmory= processors=1", r"^vm: there is no key memmory"),
    ("vm delete broken --yes", r"^broken is deleted$"),
    ("vm delete demo --yes", r"^demo is deleted; its disks are still in /vms/demo$"),
    ("vm create demo", r"^vm: /vms/demo is there already, without a machine"),
    ("rm -r /vms/demo",),
    ("vm create spin cmdline=spin",), ("vm start spin",),
    ("poweroff", r"^spin: ended at once, as it does not listen$", r"^spin: off$"),
)  # fmt: skip

SECOND = (
    # What the program says when it starts may be amid other lines.
    ("sleep 1",), ("vm list", r"^good +running +pc .*\nsilent +running +pc .*\nspin +off "),
    ("vm stop good",),
    ("vm log good", r" starting with 1 .*\n\| serial \[31mport\n\| 2099-01-01 00:00:00 ended\n"
     r"\| no end\n\d{4}-\S+ \S+ ended$"),
    ("vm log good 1", r"^\+ vm log good 1\n\d{4}-\S+ \S+ ended\n\+ "),
    ("vm start good",),
    ("vm stop silent --timeout 1", r"^vm: silent has no driver that listens"),
    ("vm kill silent",),
    ("vm start crash",),
    ("vm screen crash", r"^vm: crash: its worker does not answer$"), ("sleep 1",),
    ("vm list", r"^crash +failed .*its worker made an exception, #UD"),
    ("vm delete crash --disks --yes", r"^crash is deleted$"),
    ("vm delete spin --yes", r"^spin is deleted$"),
    ("vm start silent",),
    ("poweroff", r"^good: asked to shut down, has 20 s$", r"^silent: ended at once, as it does not listen$",
     r"^good: off$"),
)  # fmt: skip


@dataclasses.dataclass
class VmService(Boot):
    """Boots twice with one store."""

    def run(self, context):
        log = context.directory / "images.log"
        store = self._store(context, log)
        machine = {**self.machine, "disks": (emulator.Disk(store),)}
        for name, steps, modules in (("first", FIRST, MODULES), ("second", SECOND, (MACHINE,))):
            directory = context.directory / name
            directory.mkdir()
            commands = ("onerror continue", *(step[0] for step in steps))
            must = tuple(pattern for step in steps for pattern in step[1:])
            test = dataclasses.replace(self, machine=machine, commands=commands, must=must,
                                       image_options=modules)  # fmt: skip
            Boot.run(test, dataclasses.replace(context, directory=directory))
            run_program(context, ["/usr/sbin/fsck.fat", "-n", str(store)], 30, log)
        listing = subprocess.run(["mdir", "-b", "-i", str(store), "::/vms"], capture_output=True, text=True)
        names = listing.stdout.split()
        if names != ["::/vms/good/", "::/vms/silent/"]:
            raise Failure(f"the store has the machines {names}")
        store.unlink()

    @staticmethod
    def _store(context, log):
        folder = context.directory / "store"
        (folder / "vms" / "broken").mkdir(parents=True)
        (folder / "vms" / "half.new").mkdir()
        (folder / "vms" / "half.new" / "disk0.vhd").write_bytes(bytes(5000))
        (folder / "vms" / "broken" / "vm.conf").write_text("memmory = 5\n\nprocessors = many\n")
        (folder / "bad.conf").write_text("# a template\nprocessors = many\n")
        (folder / "fw").write_bytes(bytes(65536))
        store = (context.directory / "store.img").resolve()
        run_program(context, ["tools/mkstore", "--size", "64", str(store), str(folder)], 30, log)
        return store


def boot(name, machine):
    return VmService(f"vm-service-{name}", {"memory": 512, **machine, "cpus": 2}, time_limit=180,
                     must_not=(*TROUBLE, r"^rm: "))


TESTS = [boot("max-svm", QEMU), boot("haswell-vmx", BOCHS)]
