"""What is on the screen, in VGA text mode and on UEFI's framebuffer."""

import dataclasses
import re

from harness.boot import Boot
from harness.test import Failure

from .platforms import QEMU

COLUMNS, ROWS = 80, 25
TEXT_MEMORY = 0xB8000


@dataclasses.dataclass
class TextScreen(Boot):
    """Boots until a text is on the serial port; then the screen must show the patterns."""

    shows: tuple = ()

    def run(self, context):
        dump = (context.directory / "screen.bin").resolve()
        size = COLUMNS * ROWS * 2
        boot = dataclasses.replace(
            self, monitor=((self.until, f'pmemsave {TEXT_MEMORY} {size} "{dump}"'),))
        Boot.run(boot, context)
        cells = dump.read_bytes()[::2].decode("ascii", errors="replace")
        text = "\n".join(cells[i:i + COLUMNS].rstrip() for i in range(0, len(cells), COLUMNS))
        (context.directory / "screen.txt").write_text(text)
        for pattern in self.shows:
            if not re.search(pattern, text, re.MULTILINE):
                raise Failure(f"the screen does not show: {pattern}")


@dataclasses.dataclass
class PixelScreen(Boot):
    """The same on a framebuffer: there must be the light pixels of that many characters."""

    characters: int = 0

    def run(self, context):
        dump = (context.directory / "screen.ppm").resolve()
        boot = dataclasses.replace(self, monitor=((self.until, f"screendump {dump}"),))
        Boot.run(boot, context)
        header = re.match(rb"P6\s+(\d+)\s+(\d+)\s+255\s", dump.read_bytes())
        if not header:
            raise Failure("the screen cannot be read")
        pixels = dump.read_bytes()[header.end():]
        light = sum(1 for i in range(0, len(pixels), 3) if pixels[i] > 128)
        # A character of our font has about fifteen pixels.
        if light < 8 * self.characters:
            raise Failure(f"the screen has only {light} light pixels")


REFUSED = {"until": "Veneer cannot start", "must": ("Veneer cannot start",), "must_not": ("PANIC",)}
PROMPT = {"until": "Type help", "must": ("Type help",)}
UEFI = {"firmware": "uefi", "board": "q35"}

TESTS = [
    TextScreen("boot-screen-refuse-svm", {**QEMU, "model": "max,-svm"}, **REFUSED,
               shows=(r"^Veneer cannot start: this processor offers neither AMD-V",)),
    TextScreen("boot-screen-parent-svm", QEMU, **PROMPT,
               shows=(r"^Veneer parent partition", r"^Type help for the commands")),
    PixelScreen("boot-screen-refuse-svm-uefi", {**QEMU, **UEFI, "model": "max,-svm"}, **REFUSED,
                characters=100, time_limit=90),
    PixelScreen("boot-screen-parent-svm-uefi", {**QEMU, **UEFI}, **PROMPT, characters=400,
                time_limit=90),
]
