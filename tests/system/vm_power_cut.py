"""Power cuts while machines are made, changed and deleted: the emulator is killed; at the next start each
machine is whole or not there, and what was finished before is as it was said."""

import dataclasses
import random
import re
import subprocess
import time

import emulator
from harness.boot import read_text
from harness.test import Failure, Process, run_program

from .platforms import BOCHS, QEMU
from .power_cut import PowerCut

MACHINES = 20
LISTED = re.compile(r"^(m\d+) +off +enlightened +1 CPU +(\d+) MiB$", re.MULTILINE)


class Machines:
    """Commands, and which machines there are after each: name -> memory."""

    def __init__(self):
        self.lines, self.states = [], []
        state = {}
        for i in range(MACHINES):
            name = f"m{i}"
            state = {**state, name: 64}
            self._add(f"vm create {name} disk.0=2M", state)
            state = {**state, name: 32}
            self._add(f"vm edit {name} memory=32", state)
            if i % 3 != 2:
                state = {n: m for n, m in state.items() if n != name}
                self._add(f"vm delete {name} --disks --yes", state)

    def _add(self, line, state):
        self.lines.append(line)
        self.states.append(state)

    def possible(self, begun):
        """What may be there when `begun` commands have been begun, of which the last may be done."""
        return [self.states[i] if i >= 0 else {} for i in (begun - 2, begun - 1)]


@dataclasses.dataclass
class VmPowerCut(PowerCut):
    def _cut(self, context, seed):
        work = Machines()
        store = self._store(context, work)
        begun = self._run_until(context, store, random.Random(seed).randrange(2, len(work.lines)))
        self._check_volume(context, store, seed)
        found = self._look(context, store)
        if found not in work.possible(begun):
            raise Failure(f"seed {seed}: after {begun} commands the machines are {found}")
        names = sorted(f"::/vms/{name}/" for name in found)
        if sorted(self._names(store, "::/vms")) != names:
            raise Failure(f"seed {seed}: the store has {self._names(store, '::/vms')} for {names}")
        for name in found:
            if f"::/vms/{name}/disk0.vhd" not in self._names(store, f"::/vms/{name}"):
                raise Failure(f"seed {seed}: {name} has no disk")
        store.unlink()

    @staticmethod
    def _names(store, folder):
        return subprocess.run(["mdir", "-b", "-i", str(store), folder], capture_output=True,
                              text=True).stdout.split()  # fmt: skip

    def _look(self, context, store):
        """Starts again, and has the machines listed: name -> memory."""
        script = context.directory / "list"
        script.write_text("vm list\npoweroff\n")
        run_program(context, ["mcopy", "-o", "-i", str(store), str(script), "::/script"], 30,
                    context.directory / "mcopy.log")  # fmt: skip
        directory = context.directory / "again"
        directory.mkdir()
        serial = directory / "serial.log"
        image = context.directory.parent / "veneer.iso"
        machine = emulator.Machine(**self.machine, image=image, disks=(emulator.Disk(store),))
        command = emulator.command_line(machine, directory, serial)
        deadline = time.monotonic() + self.time_limit * context.patience
        with Process(command, directory / "console.log") as process:
            while process.status() is None:
                if time.monotonic() > deadline or context.stop.is_set():
                    raise Failure(f"the second start does not end; see {serial}")
                time.sleep(0.05)
        text = read_text(serial)
        if "AUTORUN PASS" not in text or "cannot be removed" in text:
            raise Failure(f"the second start failed; see {serial}")
        return {name: int(memory) for name, memory in LISTED.findall(text)}


TESTS = [
    VmPowerCut("vm-power-cut-svm", QEMU, 10, time_limit=120),
    VmPowerCut("vm-power-cut-vmx", BOCHS, 2, time_limit=120),
]
