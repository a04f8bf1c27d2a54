"""Compares pictures of our VGA's screens with QEMU's, pixel by pixel.

Usage: compare.py PROGRAM DIRECTORY. PROGRAM is tests/vga/screens.c; files go into DIRECTORY.
QEMU's processor stands still: its qtest server makes the accesses to its VGA.
"""

import json
import pathlib
import re
import socket
import subprocess
import sys

TIME_LIMIT = 20  # seconds, for whatever QEMU must do
# QEMU widens parts of colours from 5 or 6 bits to 8 in another way.
TOLERANCE = 8
COMMANDS_AT_ONCE = 200


class Qemu:
    """A machine with QEMU's standard VGA."""

    def __init__(self, directory):
        path = directory / "qtest"
        path.unlink(missing_ok=True)
        self._qemu = subprocess.Popen(
            ["qemu-system-x86_64", "-machine", "pc,accel=tcg", "-S", "-nodefaults", "-vga", "std",
             "-display", "none", "-qmp", "stdio", "-qtest", f"unix:{path},server=on,wait=off",
             "-qtest-log", "none"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # fmt: skip
        self._qemu.stdout.readline()  # the greeting: now the socket is there
        self._qmp("qmp_capabilities")
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(TIME_LIMIT)
        self._socket.connect(str(path))
        self._answers = self._socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()
        self._qemu.kill()
        self._qemu.wait()

    def _qmp(self, command, **arguments):
        request = json.dumps({"execute": command, "arguments": arguments})
        self._qemu.stdin.write(request + "\n")
        self._qemu.stdin.flush()
        for line in self._qemu.stdout:
            answer = json.loads(line)
            if "return" in answer:
                return
            if "error" in answer:
                sys.exit(f"QEMU refuses {command}: {answer['error']['desc']}")
        sys.exit(f"QEMU ended during {command}")

    def run(self, commands):
        for i in range(0, len(commands), COMMANDS_AT_ONCE):
            some = commands[i : i + COMMANDS_AT_ONCE]
            self._socket.sendall("".join(some).encode())
            for command in some:
                if not self._answers.readline().startswith(b"OK"):
                    sys.exit(f"QEMU refuses {command[:80]}")

    def picture(self, path):
        self._qmp("screendump", filename=str(path))
        return read_ppm(path)


def read_ppm(path):
    """Width, height and pixels."""
    data = path.read_bytes()
    header = re.match(rb"P6\s+(\d+)\s+(\d+)\s+255\s", data)
    if not header:
        sys.exit(f"{path} is no picture")
    return int(header[1]), int(header[2]), data[header.end() :]


def difference(ours, theirs):
    """The first pixel that differs, in words; None if there is none. QEMU doubles lines and pixels
    where the mode does."""
    width, height, pixels = ours
    if theirs[0] % width or theirs[1] % height:
        return f"{width} x {height} pixels, QEMU's has {theirs[0]} x {theirs[1]}"
    across, down = theirs[0] // width, theirs[1] // height
    for y in range(height):
        our_row = pixels[3 * width * y :][: 3 * width]
        their_row = theirs[2][3 * theirs[0] * y * down :][: 3 * theirs[0]]
        for part, name in enumerate(("red", "green", "blue")):
            both = zip(our_row[part::3], their_row[part :: 3 * across])
            for x, (our, their) in enumerate(both):
                if abs(our - their) > TOLERANCE:
                    return f"{name} of pixel {x}, {y} is {our}, QEMU's is {their}"
    return None


def main():
    program, directory = sys.argv[1], pathlib.Path(sys.argv[2])
    names = subprocess.run([program], capture_output=True, text=True, check=True).stdout.split()
    failures = 0
    for name in names:
        ends = (".qtest", ".ppm", "-qemu.ppm")
        script, ours, theirs = (directory / f"{name}{end}" for end in ends)
        subprocess.run([program, name, str(script), str(ours)], check=True)
        with Qemu(directory) as qemu:
            qemu.run(script.read_text().splitlines(keepends=True))
            found = difference(read_ppm(ours), qemu.picture(theirs))
        print(f"{name}: {found or 'same'}", flush=True)
        failures += found is not None
    sys.exit(1 if failures or not names else 0)


main()
