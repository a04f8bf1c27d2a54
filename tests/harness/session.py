"""Tests that use the system's console as a person does: through the serial port, key by key."""

import dataclasses
import os
import pty
import re
import select
import shlex
import shutil
import time
import tty

import emulator

from .boot import FATAL
from .test import Failure, Process, Test, run_program

POLL_SECONDS = 0.1


class Terminal:
    """The other end of the machine's serial port. All that comes is kept in a file as well."""

    def __init__(self, log):
        self._end, self._machine_end = pty.openpty()
        tty.setraw(self._machine_end)
        self.device = os.ttyname(self._machine_end)
        self._log = open(log, "wb")
        self._unread = ""

    def close(self):
        self._log.close()
        os.close(self._end)
        os.close(self._machine_end)

    def type(self, text):
        os.write(self._end, text.encode())

    def _receive(self, seconds):
        if select.select([self._end], [], [], seconds)[0]:
            data = os.read(self._end, 65536)
            self._log.write(data)
            self._log.flush()
            self._unread += data.decode("ascii", errors="replace")

    def expect(self, pattern, seconds, alive):
        """Waits for the pattern in what has not been matched yet, and returns all up to its end."""
        deadline = time.monotonic() + seconds
        living = True
        while True:
            text = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", self._unread).replace("\r", "")
            found = re.search(pattern, text, re.MULTILINE)
            if found:
                self._unread = text[found.end():]
                return text[:found.end()]
            if re.search(FATAL, text, re.MULTILINE):
                raise Failure("the system stopped; see serial.log")
            if not living or time.monotonic() > deadline:
                raise Failure(f"it never said: {pattern}")
            living = alive()  # before the read: what it said last must not be missed
            self._receive(POLL_SECONDS)


@dataclasses.dataclass
class Session(Test):
    """Boots and types: each step is (what to type, what must appear)."""

    machine: dict
    steps: tuple
    parent: str = ""  # options on the parent's command line
    store: tuple = ()  # (name, content) of the files on the VM store; None instead: no store
    programs: tuple = ()  # to be on the store
    modules: tuple = ()  # programs that the boot loader loads
    image_options: tuple = ()  # more options for tools/mkiso; BUILD/ is the build directory
    seconds: float = 30  # for a step
    ends: bool = False  # the machine switches itself off at the end

    needs_images = True

    def run(self, context):
        directory = context.directory
        terminal = Terminal(directory / "serial.log")
        machine = emulator.Machine(**self.machine, terminal=True)
        machine.image = self._image(context)
        if self.store is not None:
            machine.disks = (*machine.disks, emulator.Disk(self._store(context)))
        command = emulator.command_line(machine, directory, terminal.device)
        (directory / "command").write_text(shlex.join(command) + "\n")
        try:
            with Process(command, directory / "console.log") as process:
                self._talk(context, terminal, process)
        finally:
            terminal.close()

    def _image(self, context):
        image = context.directory / "veneer.iso"
        kernels = [str(context.build / "iso" / name) for name in ("veneer.elf", "parent.elf")]
        command = ["tools/mkiso", "--grub", str(context.build / "grub"), "-o", str(image),
                   f"--parent-options={self.parent}",
                   *(f"--module={context.build / 'programs' / name}.elf={name}" for name in self.modules),
                   *(word.replace("BUILD/", f"{context.build}/") for word in self.image_options),
                   *kernels]  # fmt: skip
        run_program(context, command, 30, context.directory / "mkiso.log")
        return image

    def _store(self, context):
        folder = context.directory / "store"
        folder.mkdir()
        for name, content in self.store:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
        for name in self.programs:
            shutil.copy(context.build / "programs" / f"{name}.elf", folder)
        image = (context.directory / "store.img").resolve()
        run_program(context, ["tools/mkstore", "--size", "64", str(image), str(folder)], 30,
                    context.directory / "mkstore.log")
        return image

    @staticmethod
    def _is_alive(context, process):
        """Returns what says whether the machine still runs, for whoever waits."""
        def alive():
            if context.stop.is_set():
                raise Failure("interrupted")
            return process.status() is None

        return alive

    def _talk(self, context, terminal, process):
        alive = self._is_alive(context, process)
        for keys, answer in self.steps:
            if keys:
                terminal.type(keys)
            terminal.expect(answer, self.seconds * context.patience, alive)
        if self.ends:
            self._wait_for_end(context, alive)

    def _wait_for_end(self, context, alive):
        deadline = time.monotonic() + self.seconds * context.patience
        while alive():
            if time.monotonic() > deadline:
                raise Failure("the machine did not switch off")
            time.sleep(POLL_SECONDS)
