"""Our BIOS on a plain PC of QEMU's, without any hypervisor (docs/firmware.md)."""

import dataclasses
import pathlib
import re
import shlex
import struct
import time

from guest import plain
from harness.boot import judge_patterns, last_line, read_text, tell_monitor
from harness.test import Failure, Process, Test, run_program

from .linux_guest import judge_steps, make_guest
from .screen import COLUMNS, ROWS, TEXT_MEMORY

SERVICES = "tests/guest/bios_services.asm"
SECTOR = 512
DISK_SIZE = 20 << 20
FLOPPY_SIZE = 1440 << 10
DONE = r"^BIOS tests: (\d+) failures$"
LABEL = "BIOSTEST"
# Entry points of segment F000h at which software jumps without asking for a vector.
ENTRIES = {0xE05B: "POST", 0xE2C3: "NMI", 0xE3FE: "INT 13h", 0xE6F2: "INT 19h", 0xE739: "INT 14h",
           0xE82E: "INT 16h", 0xE987: "INT 09h", 0xEC59: "INT 40h", 0xEF57: "INT 0Eh",
           0xEFD2: "INT 17h", 0xF841: "INT 12h", 0xF84D: "INT 11h", 0xF859: "INT 15h",
           0xFE6E: "INT 1Ah", 0xFEA5: "INT 08h"}  # fmt: skip
# What systems search the segment for, at multiples of 16, and the bytes that add up to 0.
TABLES = {b"$PnP": 0x21, b"_32_": 16, b"$PIR": 32, b"_MP_": 16, b"_SM_": 31, b"RSD PTR ": 20}


@dataclasses.dataclass
class Image(Test):
    """The image is what processors, software and option ROM scans expect of it."""

    needs_images = True

    def run(self, context):
        image = (context.build / "firmware.bin").read_bytes()
        self._check(len(image) == 128 << 10, f"it has {len(image)} bytes")
        self._check(not any(image[:0x8000]), "the place for the worker's tables is taken")
        self._check(sum(image) & 255 == 0, "its bytes do not add up to 0")
        vga, segment = image[0x8000:0x10000], image[0x10000:]
        self._check(vga[:3] == b"\x55\xaa\x40" and sum(vga) & 255 == 0, "the VGA BIOS is no ROM")
        self._check(segment[0xFFF0:0xFFF5] == b"\xea\x5b\xe0\x00\xf0", "the reset vector is wrong")
        self._check(re.fullmatch(rb"\d\d/\d\d/\d\d", segment[0xFFF5:0xFFFD]), "there is no date")
        self._check(segment[0xFFFE] == 0xFC, "it is no PC/AT")
        for offset, name in ENTRIES.items():
            self._check(segment[offset] == 0xE9, f"F000:{offset:04X} is no jump to {name}")
        for signature, length in TABLES.items():
            places = [i for i in range(0, 0x10000, 16) if segment[i:].startswith(signature)]
            needed = signature in (b"$PnP", b"_32_")
            self._check(places or not needed, f"there is no {signature.decode()}")
            for at in places:
                self._check(sum(segment[at:at + length]) & 255 == 0,
                            f"F000:{at:04X} looks like {signature.decode()} and is none")

    def _check(self, good, text):
        if not good:
            raise Failure(text)


@dataclasses.dataclass
class Firmware(Test):
    """Boots a medium that `prepare` makes: it returns QEMU's options. Ends when `until` has been
    said; then `must` must have been, and the screen must show the patterns of `shows`."""

    must: tuple = ()
    must_not: tuple = (r"^FAIL ", "Kernel panic")
    until: str = DONE
    shows: tuple = ()
    by_screen: bool = False  # what is awaited comes on the screen, not on COM1
    memory: int = 128

    needs_images = True

    def prepare(self, context):
        return []

    def run(self, context):
        directory = context.directory.resolve()
        serial, monitor = directory / "serial.log", directory / "monitor"
        command = ["qemu-system-x86_64", "-machine", "pc", "-accel", "tcg,thread=single",
                   "-cpu", "max", "-m", str(self.memory), "-display", "none", "-nic", "none",
                   "-bios", str(context.build / "firmware.bin"), "-serial", f"file:{serial}",
                   "-monitor", f"unix:{monitor},server,nowait", *self.prepare(context)]  # fmt: skip
        (directory / "command").write_text(shlex.join(command) + "\n")
        with Process(command, directory / "console.log") as process:
            self._wait(context, process, serial, monitor)
            screen = self._screen(directory, monitor) if self.shows else ""
        self._judge(read_text(serial), screen)

    def _wait(self, context, process, serial, monitor):
        deadline = time.monotonic() + self.time_limit * context.patience
        while process.status() is None:
            text = self._screen(context.directory.resolve(), monitor) if self.by_screen else (
                read_text(serial))  # fmt: skip
            if re.search(self.until, text, re.MULTILINE):
                return
            if context.stop.is_set():
                raise Failure("interrupted")
            if time.monotonic() > deadline:
                raise Failure(f"not finished after {self.time_limit:g} s{last_line(serial)}")
            time.sleep(0.2)

    @staticmethod
    def _screen(directory, monitor):
        dump = directory / "screen.bin"
        if not monitor.exists():
            return ""
        tell_monitor(monitor, f'pmemsave {TEXT_MEMORY} {COLUMNS * ROWS * 2} "{dump}"')
        cells = dump.read_bytes()[::2].decode("cp437").replace("\0", " ")
        text = "\n".join(cells[i:i + COLUMNS].rstrip() for i in range(0, len(cells), COLUMNS))
        (directory / "screen.txt").write_text(text)
        return text

    def _judge(self, said, screen):
        judge_patterns(said, self.must, self.must_not)
        for pattern in self.shows:
            if not re.search(pattern, screen, re.MULTILINE):
                raise Failure(f"the screen does not show: {pattern}")


@dataclasses.dataclass
class Services(Firmware):
    """A program asks all services; it is on a disk, a floppy, or a CD that emulates one of them."""

    medium: str = "disk"  # or floppy, cd-floppy, cd-disk
    must: tuple = (r"^BIOS tests: 0 failures$",)

    def prepare(self, context):
        directory = context.directory.resolve()
        folder = directory / "cd"
        folder.mkdir()
        image = folder / "image"
        writable = [] if self.medium.startswith("cd-") else ["-DWRITABLE"]
        run_program(context, ["nasm", "-f", "bin", "-Werror", *writable, "-o", str(image), SERVICES],
                    30, directory / "build.log")  # fmt: skip
        size = FLOPPY_SIZE if "floppy" in self.medium else DISK_SIZE
        data = bytearray(image.read_bytes().ljust(size, b"\0"))
        if self.medium == "cd-disk":  # its geometry is that of the only partition: 16 heads of 63
            last = size // SECTOR // (16 * 63) - 1
            data[446:462] = struct.pack("<8BII", 0x80, 1, 1, 0, 6, 15, 63, last, 63,
                                        (last + 1) * 16 * 63 - 63)  # fmt: skip
        image.write_bytes(data)
        if not self.medium.startswith("cd-"):
            interface = "floppy" if self.medium == "floppy" else "ide"
            return ["-drive", f"file={image},format=raw,if={interface}"]
        emulation = ["-hard-disk-boot"] if self.medium == "cd-disk" else []
        iso = directory / "image.iso"
        run_program(context, ["xorriso", "-as", "mkisofs", "-quiet", "-o", str(iso), "-b", "image",
                              *emulation, str(folder)], 30, directory / "build.log")  # fmt: skip
        return ["-cdrom", str(iso), "-boot", "order=d"]


@dataclasses.dataclass
class Linux(Firmware):
    """GRUB starts the stock guest, from an ISO that is in the CD drive or is a hard disk."""

    medium: str = "cd"
    until: str = r"^STEPS done"
    memory: int = 512
    must: tuple = (r"BIOS-e820: \[mem 0x0000000000100000-0x000000001fffffff\] usable",
                   r"00:01\.1: BAR 4 \[io  0xc000-0xc00f\]", r"ata1.*irq 14$",
                   r"i8042 AUX port at 0x60,0x64 irq 12", r"quirk: \[io  0xb000-0xb03f\]")

    def prepare(self, context):
        directory = context.directory.resolve()
        guest = make_guest(context)
        iso = make_iso(context, directory, guest)
        if self.medium == "cd":
            return ["-cdrom", str(iso), "-boot", "order=d"]
        return ["-drive", f"file={iso},format=raw,if=ide,snapshot=on"]

    def _judge(self, said, screen):
        super()._judge(said, screen)
        judge_steps(said, ["info"])


def make_iso(context, directory, guest):
    """An ISO with GRUB and Linux, which boots as a disk, too."""
    folder, log = directory / "iso", directory / "build.log"
    folder.mkdir()
    (directory / "early.cfg").write_text(f"search.fs_label {LABEL} root\nset prefix=($root)/\n")
    (folder / "grub.cfg").write_text(
        f"linux /vmlinuz {plain.COMMAND_LINE} steps=info\ninitrd /initrd\nboot\n")
    (folder / "vmlinuz").write_bytes(pathlib.Path(guest.kernel).read_bytes())
    (folder / "initrd").write_bytes(pathlib.Path(guest.initramfs).read_bytes())
    run_program(context, ["grub-mkimage", "-O", "i386-pc-eltorito", "-c",
                          str(directory / "early.cfg"), "-p", "/", "-o", str(folder / "bios.img"),
                          "biosdisk", "normal", "iso9660", "linux", "search_label"],
                30, log)  # fmt: skip
    iso = directory / "image.iso"
    run_program(context, ["xorriso", "-as", "mkisofs", "-quiet", "-r", "-V", LABEL, "-b", "bios.img",
                          "-no-emul-boot", "-boot-load-size", "4", "-boot-info-table",
                          "--grub2-boot-info", "--grub2-mbr",
                          "/usr/lib/grub/i386-pc/boot_hybrid.img", "--mbr-force-bootable",
                          "--protective-msdos-label", "-o", str(iso), str(folder)],
                60, log)  # fmt: skip
    return iso


@dataclasses.dataclass
class NothingToBoot(Firmware):
    """Each way that fails says why, on the screen."""

    by_screen: bool = True
    until: str = "A key tries again"
    must: tuple = ()
    shows: tuple = (r"^Veneer BIOS$", r"^128 MiB of memory",
                    r"^Booting from the hard disk \(.+\): no boot signature",
                    r"^Booting from the floppy disk: the drive is empty",
                    r"^Booting from the CD: there is no disc in the drive",
                    r"^Nothing could be started\.")  # fmt: skip

    def prepare(self, context):
        empty = context.directory.resolve() / "empty.img"
        empty.write_bytes(bytes(DISK_SIZE))
        return ["-drive", f"file={empty},format=raw,if=ide"]


TESTS = [
    Image("firmware-image", time_limit=10),
    NothingToBoot("firmware-nothing", time_limit=40),
    *(Services(f"firmware-services-{medium}", medium=medium, time_limit=40)
      for medium in ("disk", "floppy", "cd-floppy", "cd-disk")),
    *(Linux(f"firmware-linux-{medium}", medium=medium, time_limit=100)
      for medium in ("cd", "disk")),
]  # fmt: skip
