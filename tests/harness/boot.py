"""Tests that boot an image in an emulator and judge what the serial port says."""

import dataclasses
import pathlib
import re
import shlex
import socket
import time
import typing

import emulator

from .test import Failure, Process, Test, run_program

# What the parent's self test says at its end, and what never may be said unless a test expects it.
PASSED = r"^RESULT PASS$"
TROUBLE = (r"PANIC", r"^FAIL ", r"^RESULT FAIL", r"Veneer cannot start")

# Nothing good comes after these; the machine, or a guest, has stopped or is as good as stopped.
HOST_FATAL = r"PANIC|^RESULT FAIL|Veneer cannot start"
FATAL = HOST_FATAL + r"|Kernel panic"

POLL_SECONDS = 0.1
# After the text that ends a test, wait for what belongs to it: a backtrace, for example.
GRACE_SECONDS = 1.0


@dataclasses.dataclass
class Boot(Test):
    """Boots; passes if each of `must` and none of `must_not` matches a line of the serial output.

    The machine must end by itself (power-off), unless `until` is given: then it is stopped when
    that text has appeared. A panic or a refused boot stops it in any case.
    """

    machine: dict  # fields of emulator.Machine
    hypervisor: str = ""  # options on the hypervisor's command line
    parent: str = ""  # options on the parent's command line
    must: tuple = (PASSED,)
    must_not: tuple = TROUBLE
    until: typing.Optional[str] = None
    fatal: str = FATAL  # ends the machine, too
    # Returns the parent's ELF file, made from the built one in the test's directory; or None.
    parent_file: typing.Callable = lambda built, directory: built
    image_options: tuple = ()  # more options for tools/mkiso; BUILD/ is the build directory
    commands: tuple = ()  # lines of a file of commands, which the parent runs (autorun=commands)
    # (text, command): when the text has appeared, QEMU's monitor gets the command.
    monitor: tuple = ()

    needs_images = True

    def run(self, context):
        directory = context.directory
        serial = directory / "serial.log"
        machine = emulator.Machine(**self.machine)
        machine.image = self._image(context, machine)
        if self.monitor:
            machine.monitor = directory / "monitor"
        command = emulator.command_line(machine, directory, serial)
        (directory / "command").write_text(shlex.join(command) + "\n")
        with Process(command, directory / "console.log") as process:
            self._wait(context, process, serial, machine.monitor)
            status = process.status()
        self._judge(read_text(serial), status)

    def _image(self, context, machine):
        """The image to boot; the one that make builds unless this test wants another."""
        kernels = context.build / "iso"
        parent = self.parent_file(kernels / "parent.elf", context.directory)
        additions = emulator.image_additions(machine, context.directory)
        if self.commands:
            commands = context.directory / "commands"
            commands.write_text("".join(f"{line}\n" for line in self.commands))
            additions += [f"--module={commands}=commands"]
            self.parent = f"{self.parent} autorun=commands".strip()
        additions += [f"--hypervisor-options={self.hypervisor}"] if self.hypervisor else []
        additions += [f"--parent-options={self.parent}"] if self.parent else []
        additions += [word.replace("BUILD/", f"{context.build}/") for word in self.image_options]
        if not additions and parent == kernels / "parent.elf":
            return context.build / "veneer.iso"
        image = context.directory / "veneer.iso"
        command = ["tools/mkiso", "--grub", str(context.build / "grub"), "-o", str(image)]
        command += [*additions, str(kernels / "veneer.elf"), *([str(parent)] if parent else [])]
        run_program(context, command, 30, context.directory / "mkiso.log")
        return image

    def _wait(self, context, process, serial, monitor):
        """Returns when the machine has ended or has said what it had to."""
        deadline = time.monotonic() + self.time_limit * context.patience
        pattern = re.compile(f"{self.fatal}|{self.until}" if self.until else self.fatal, re.MULTILINE)
        commands = list(self.monitor)
        while process.status() is None:
            if commands and re.search(commands[0][0], read_text(serial), re.MULTILINE):
                tell_monitor(monitor, commands.pop(0)[1])
            if pattern.search(read_text(serial)):
                grace = min(deadline, time.monotonic() + GRACE_SECONDS)
                while process.status() is None and time.monotonic() < grace:
                    time.sleep(POLL_SECONDS)
                return
            if context.stop.is_set():
                raise Failure("interrupted")
            if time.monotonic() > deadline:
                raise Failure(f"not finished after {self.time_limit:g} s{last_line(serial)}")
            time.sleep(POLL_SECONDS)

    def _judge(self, text, status):
        judge_patterns(text, self.must, self.must_not)
        if self.until and status is not None:
            raise Failure(f"the machine ended by itself, status {status}")
        # Bochs ends a power-off with status 1, and a crash of its own by a signal.
        if not self.until and status not in (0, 1):
            raise Failure(f"the emulator failed, status {status}")


def judge_patterns(text, must, must_not):
    """Fails if something of must_not was said, or something of must was not."""
    for pattern in must_not:
        found = re.search(f".*(?:{pattern}).*", text, re.MULTILINE)
        if found:
            raise Failure(f"it said: {found.group().strip()}")
    for pattern in must:
        if not re.search(pattern, text, re.MULTILINE):
            raise Failure(f"it never said: {pattern}")


def tell_monitor(path, command):
    """Gives QEMU's monitor a command and waits until it has been done."""
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(30)
            connection.connect(str(path))
            connection.sendall(f"{command}\n".encode())
            answer = b""
            # The prompt comes before the command and after it.
            while answer.count(b"(qemu)") < 2:
                data = connection.recv(4096)
                if not data:
                    break
                answer += data
    except OSError as error:
        raise Failure(f"the monitor does not take {command}: {error}") from error


def read_text(serial):
    """The serial log so far, with plain line ends. Escape sequences of UEFI's console are gone."""
    try:
        raw = pathlib.Path(serial).read_bytes()
    except FileNotFoundError:
        return ""
    text = raw.decode("ascii", errors="replace").replace("\r", "")
    return re.sub(r"\x1b\[[0-9;=]*[A-Za-z]", "", text)


def last_line(serial):
    lines = [line for line in read_text(serial).splitlines() if line.strip()]
    return f"; the last line is: {lines[-1].strip()}" if lines else "; the serial port is silent"
