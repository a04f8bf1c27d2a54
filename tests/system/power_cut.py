"""Power cuts while files are written: the emulator is killed, and then the volume must be sound and
hold all that had been synced."""

import dataclasses
import random
import re
import subprocess
import time

import emulator
from harness.boot import read_text
from harness.test import Failure, Process, Test, run_program

from .platforms import BOCHS, QEMU

COMMANDS = 600
DIRECTORIES = 4
FILES = 12
BIG = bytes(random.Random(1).randrange(256) for _ in range(150_000))
POLL_SECONDS = 0.002

# What fsck.fat may find after a power cut: a volume that was in use, clusters of no file, and a second
# FAT that had not been written yet.
HARMLESS = re.compile(
    r"^fsck\.fat |^There are differences between boot sector and its backup|Dirty bit is set"
    r"|^ Automatically removing dirty bit|^Reclaimed|^Leaving filesystem unchanged|^\s*$"
    r"|^FATs differ but appear to be intact|^  Using first FAT"
    r"|^This is mostly harmless|^  65:01/00$|^  Not automatically fixing|^Free cluster summary|^  Auto-correcting|^.*files, \d+/\d+ clusters$"
    r"|contains a free cluster chain|^Unreclaimed|Found \d+ lost cluster|^Orphaned long file name"
    r"|^  \(Not auto-correcting|^  Auto-deleting|^Checking|^Using|^\*\*\* Filesystem was changed",
    re.MULTILINE)


class Workload:
    """Commands from a seed, and what the files hold after each of them."""

    def __init__(self, seed):
        self._random = random.Random(seed)
        self.lines = [f"mkdir /d{i}" for i in range(DIRECTORIES)]
        self.states = [{}] * DIRECTORIES  # after each line: path -> content
        self.touched = [set()] * DIRECTORIES
        while len(self.lines) < COMMANDS:
            self._add()

    def _path(self):
        return f"/d{self._random.randrange(DIRECTORIES)}/File {self._random.randrange(FILES)}.txt"

    def _add(self):
        files = dict(self.states[-1])
        kind = self._random.choice(("copy", "echo", "echo", "move", "remove", "sync"))
        path, other = self._path(), self._path()
        touched = {path}
        if kind == "sync":
            line, touched = "sync", set()
        elif kind == "copy":
            line = f'cp /big.bin "{path}"'
            files[path] = BIG
        elif kind == "echo" or not files:
            word = f"{self._random.getrandbits(64):x}"
            line = f'echo {word} > "{path}"'
            files[path] = word.encode() + b"\n"
        else:
            path = self._random.choice(sorted(files))
            touched = {path}
            if kind == "remove" or path == other:
                line = f'rm "{path}"'
                del files[path]
            else:
                line = f'mv "{path}" "{other}"'
                touched.add(other)
                files[other] = files.pop(path)
        self.lines.append(line)
        self.states.append(files)
        self.touched.append(touched)

    def certain(self, begun):
        """What must be there when the first `begun` commands have been begun: path -> content."""
        synced = max((i for i in range(begun - 1) if self.lines[i] == "sync"), default=None)
        if synced is None:
            return {}
        later = set().union(*self.touched[synced + 1:begun])
        return {p: c for p, c in self.states[synced].items() if p not in later}


@dataclasses.dataclass
class PowerCut(Test):
    machine: dict
    cuts: int

    needs_images = True

    def run(self, context):
        for seed in range(self.cuts):
            directory = context.directory / f"cut{seed}"
            directory.mkdir()
            self._cut(dataclasses.replace(context, directory=directory), seed)

    def _cut(self, context, seed):
        work = Workload(seed)
        store = self._store(context, work)
        after = random.Random(seed).randrange(DIRECTORIES + 2, 200)
        begun = self._run_until(context, store, after)
        self._check_volume(context, store, seed)
        for path, content in work.certain(begun).items():
            done = subprocess.run(["mtype", "-i", str(store), f"::{path}"], capture_output=True)
            if done.returncode != 0 or done.stdout != content:
                raise Failure(f"seed {seed}: {path} is not what was synced before the power cut")
        store.unlink()

    def _store(self, context, work):
        folder = context.directory / "store"
        folder.mkdir()
        (folder / "big.bin").write_bytes(BIG)
        (folder / "script").write_text("\n".join(work.lines) + "\n")
        image = (context.directory / "store.img").resolve()
        run_program(context, ["tools/mkstore", "--size", "64", str(image), str(folder)], 30,
                    context.directory / "mkstore.log")  # fmt: skip
        return image

    def _run_until(self, context, store, after):
        """Kills the machine when it has begun the command of that number; how many were begun."""
        image = context.directory.parent / "veneer.iso"
        kernels = [str(context.build / "iso" / name) for name in ("veneer.elf", "parent.elf")]
        if not image.exists():
            run_program(context, ["tools/mkiso", "--grub", str(context.build / "grub"), "-o",
                                  str(image), "--parent-options=autorun=/script", *kernels], 30,
                        context.directory / "mkiso.log")  # fmt: skip
        serial = context.directory / "serial.log"
        machine = emulator.Machine(**self.machine, image=image, disks=(emulator.Disk(store),))
        command = emulator.command_line(machine, context.directory, serial)
        deadline = time.monotonic() + self.time_limit * context.patience
        with Process(command, context.directory / "console.log") as process:
            while self._begun(serial) < after:
                if process.status() is not None or time.monotonic() > deadline:
                    raise Failure(f"command {after} was not reached; see {serial}")
                if context.stop.is_set():
                    raise Failure("interrupted")
                time.sleep(POLL_SECONDS)
        return self._begun(serial)

    @staticmethod
    def _begun(serial):
        return len(re.findall(r"^\+ ", read_text(serial), re.MULTILINE))

    @staticmethod
    def _check_volume(context, store, seed):
        done = subprocess.run(["/usr/sbin/fsck.fat", "-n", str(store)], capture_output=True, text=True)
        (context.directory / "fsck.log").write_text(done.stdout + done.stderr)
        serious = [line for line in done.stdout.splitlines() if not HARMLESS.search(line)]
        if serious:
            raise Failure(f"seed {seed}: fsck.fat: {serious[0].strip()}")


TESTS = [
    PowerCut("parent-power-cut-svm", QEMU, 50, time_limit=300),
    PowerCut("parent-power-cut-vmx", BOCHS, 5, time_limit=200),
]
