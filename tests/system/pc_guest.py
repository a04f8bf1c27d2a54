"""Systems that are not ours, or boot sectors of our own, on the emulated PC with our firmware."""

import dataclasses
import re
import time

from guest import debian
from harness.session import Session
from harness.test import Failure

from .pc_linux import FIRMWARE

PROMPT = r"veneer> $"
NAME = "pc"  # of the child


@dataclasses.dataclass
class PcGuest(Session):
    """Boots with images on the store and starts a PC. Each step is (command, pattern): what to do at the
    parent's console, and what it must answer. Without a command the PC's text screen must show the
    pattern within `seconds`."""

    options: str = ""  # words of the command that starts the PC
    before: tuple = ()  # commands before that one

    def prepare(self, context):
        """Returns the files for the store, by name: bytes each."""
        raise NotImplementedError

    def run(self, context):
        try:
            files = self.prepare(context)
        except debian.Missing as error:
            raise Failure(str(error)) from error
        # Long answers are not to wait for a key.
        session = dataclasses.replace(self, store=tuple(files.items()), parent="rows=500",
                                      modules=("worker",), image_options=(FIRMWARE,))  # fmt: skip
        Session.run(session, context)
        (context.directory / "store.img").unlink()

    def _talk(self, context, terminal, process):
        alive = self._is_alive(context, process)

        def command(text, answer=""):
            """What the console says to it, which must match the answer."""
            terminal.type(f"{text}\r")
            said = terminal.expect(PROMPT, seconds, alive)
            if not re.search(answer, said, re.MULTILINE):
                raise Failure(f"{text}: it never said: {answer}")
            return said

        def screen(pattern):
            deadline = time.monotonic() + seconds
            while not re.search(pattern, text := command(f"vm screen {NAME}"), re.MULTILINE):
                (context.directory / "screen.txt").write_text(text)
                if time.monotonic() > deadline:
                    raise Failure(f"the screen does not show: {pattern}; see screen.txt")
                time.sleep(0.5)

        seconds = self.seconds * context.patience
        terminal.expect(PROMPT, seconds, alive)
        for text in self.before:
            command(text)
        command(f"child machine=pc name={NAME} {self.options}")
        for text, pattern in self.steps:
            if text:
                command(text, pattern)
            else:
                screen(pattern)
        terminal.type("poweroff\r")
        self._wait_for_end(context, alive)
