"""GRUB on the emulated PC: from a CD and from a floppy disk, with its menu, its prompt and its keys."""

import dataclasses

from guest import boot_media

from .pc_guest import PcGuest
from .platforms import QEMU

MENU = """\
set timeout=-1
menuentry 'First entry' { echo 'the first was chosen'; read answer }
menuentry 'Second entry' { echo 'the second was chosen'; read answer }
"""


@dataclasses.dataclass
class Grub(PcGuest):
    floppy: bool = False

    def prepare(self, context):
        directory = context.directory.resolve()
        if self.floppy:
            return {"grub.img": boot_media.grub_floppy(directory, MENU)}
        return {"grub.iso": boot_media.grub_cd(directory, MENU)}


STEPS = ((None, r"GNU GRUB  version 2[\s\S]*\*First entry[\s\S]*^ \?? *Second entry"),
         ("vm keys pc down enter", ""), (None, r"the second was chosen"))

TESTS = [
    Grub("pc-grub-cd-svm", {**QEMU, "cpus": 2}, STEPS, options="memory=32 cd=/grub.iso boot=d"),
    Grub("pc-grub-floppy-svm", {**QEMU, "cpus": 2}, STEPS, floppy=True,
         options="memory=32 floppy=/grub.img boot=a"),
]
