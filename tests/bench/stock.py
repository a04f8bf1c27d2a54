"""What a stock Linux takes in a child, beside the same Linux on the bare machine. See docs/testing.md."""

import dataclasses
import subprocess

import child
import emulator
import machines
from guest import debian, linux, plain, probe
from table import Row, report

PLATFORM = "svm"
TIME_LIMIT = 400  # seconds
DISK_MIB = 64
# A disk that has its data at once.
DISK = f"if=none,id=disk,driver=null-co,size={DISK_MIB << 20},read-zeroes=on"
# lpj=1: the IDE driver of the bare machine waits by delay loops, which would count as work. To the boot
# it makes no difference (0.3 %).
WORDS = f"console=ttyS0 quiet nokaslr lpj=1 mib={DISK_MIB} steps="
MEMORY = 192  # MiB; at most a quarter of the machine's

ROWS = [
    Row("guest.boot", "from the kernel's entry to init", "1,000 ticks"),
    Row("guest.disk_read", "read of a disk, 64 KiB requests", "instructions/MiB"),
]


def _disk_options(unit):
    return ["-drive", DISK, "-device", f"ide-hd,drive=disk,bus=ide.0,unit={unit}"]


def _run(command, directory):
    """Runs a machine with the plugin that counts; returns the figures."""
    marks = directory / "marks"
    marks.unlink(missing_ok=True)
    text = machines.run("qemu", [*command, *plain.COUNTING, "-plugin",
                                 f"{directory.parent / 'marks.so'},out={marks}"],
                        directory, TIME_LIMIT)  # fmt: skip
    found = probe.ticks(text)
    # The step disk-read makes the last two marks: before it reads, and after.
    counts = [int(line.split()[2]) for line in marks.read_text().splitlines()]
    if "STEP disk-read ok" in text and len(counts) >= 2:
        found["read"] = counts[-1] - counts[-2]
    return found


def _figures(found):
    """Makes figures of what has been said; those that are missing stay away."""
    figures = {}
    if "entry" in found and "init" in found:
        figures["guest.boot"] = (found["init"] - found["entry"]) // 1000
    if "read" in found:
        figures["guest.disk_read"] = found["read"] // DISK_MIB
    return figures


def _measure_plain(build, guest, kernel):
    """The probe ends its machine, so these are two runs."""
    directory = machines.directory(build, "guest-plain")
    found = {}
    for system, steps in ((dataclasses.replace(guest, kernel=kernel), ""), (guest, "disk-read")):
        command = plain.command(system, directory, directory / "serial.log", WORDS + steps,
                                memory=MEMORY, nics=())  # fmt: skip
        found |= _run([*command, *_disk_options(0)], directory)
    return _figures(found)


def _child(kernel, steps):
    return (f"child kernel=/{kernel} initrd=/initrd memory={MEMORY} disk=disk1 "
            f'cmdline="{WORDS}{steps}"\n')  # fmt: skip


def _measure_child(build, guest, kernel):
    directory = machines.directory(build, "guest-child")
    folder, store = directory / "store", directory / "store.img"
    folder.mkdir(exist_ok=True)
    files = {"vmlinuz": guest.kernel, "probe": kernel, "initrd": guest.initramfs}
    for name, path in files.items():
        (folder / name).write_bytes(path.read_bytes())
    store.unlink(missing_ok=True)
    subprocess.run(["tools/mkstore", "--size", "128", str(store), str(folder)], check=True)
    # The probe ends in a triple fault.
    commands = directory / "commands"
    commands.write_text(f"onerror continue\n{_child('probe', '')}{_child('vmlinuz', 'disk-read')}"
                        "poweroff\n")  # fmt: skip
    image = directory / "veneer.iso"
    modules = {name: build / path for name, path in child.FILES.items()} | {"commands": commands}
    machines.make_image(build, image, ["--parent-options=autorun=commands",
                                       *(f"--module={path}={name}" for name, path in modules.items())])
    machine = emulator.Machine(image=image, memory=1024, model="max", disks=(emulator.Disk(store),))
    command = emulator.command_line(machine, directory, directory / "serial.log")
    return _figures(_run([*command, *_disk_options(1)], directory))


def measure(build):
    """Prints the table of a stock guest; returns its entries for bench.json."""
    try:
        guest = linux.make(build)
        kernel = probe.make(build, guest.kernel)
    except debian.Missing as error:
        machines.complain(f"no stock guest: {error}")
        return []
    machines.marks_plugin(build)
    ours = _measure_child(build, guest, kernel)
    peers = _measure_plain(build, guest, kernel)
    return report(PLATFORM, ROWS, ("a stock Linux (QEMU)", "bare"), ours, peers)
