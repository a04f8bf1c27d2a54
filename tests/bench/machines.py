"""Runs a machine for `make bench`, and reads what it says."""

import pathlib
import subprocess
import sys

# Bochs ends a power-off with status 1.
POWERED_OFF = {"qemu": (0,), "bochs": (0, 1)}


def complain(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def run(platform, command, directory, time_limit):
    """Runs it until it switches itself off, or for so many seconds; returns its serial output."""
    serial = directory / "serial.log"
    serial.unlink(missing_ok=True)
    with open(directory / "console.log", "wb") as log:
        try:
            status = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                    timeout=time_limit).returncode  # fmt: skip
            if status not in POWERED_OFF[platform]:
                complain(f"the emulator ended with status {status}; see {directory}")
        except subprocess.TimeoutExpired:
            complain(f"the machine was not off after {time_limit} s; see {directory}")
    text = serial.read_text(errors="replace") if serial.exists() else ""
    return text.replace("\r", "")


def make_image(build, image, options=(), parent=True):
    """Makes a boot image of what is in the build directory; `options` are tools/mkiso's."""
    kernels = ["veneer.elf", "parent.elf"] if parent else ["veneer.elf"]
    subprocess.run(["tools/mkiso", "--grub", str(build / "grub"), "-o", str(image), *options,
                    *(str(build / "iso" / name) for name in kernels)], check=True)  # fmt: skip


def directory(build, name):
    """An absolute path: the emulators do not say what theirs are relative to."""
    path = pathlib.Path(build / "bench" / name).resolve()
    path.mkdir(parents=True, exist_ok=True)
    return path


def marks_plugin(build):
    """Builds QEMU's plugin that counts instructions; returns its file."""
    plugin = directory(build, "") / "marks.so"
    subprocess.run(["gcc", "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o",
                    str(plugin), "tests/bench/marks.c"], check=True)  # fmt: skip
    return plugin
