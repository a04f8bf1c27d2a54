"""What operations of the system itself cost, beside Linux's. See docs/testing.md."""

import dataclasses

import emulator
import figures
import linux
import machines
from guest import debian
from table import Row, report

PLATFORM = "svm"
DISK_MIB = 256
TIME_LIMIT = 300  # seconds
# Both systems get this: a disk on the first IDE channel that has its data at once.
MACHINE = emulator.Machine(cpus=1, memory=512, model="max")
DISK_OPTIONS = ["-drive", f"if=none,id=disk,driver=null-co,size={DISK_MIB << 20},read-zeroes=on",
                "-device", "ide-hd,drive=disk,bus=ide.0,unit=0"]  # fmt: skip
COUNTING = ["-icount", "shift=0,sleep=off"]
# lpj=1 makes Linux's busy waiting end at once: under -icount a delay of a microsecond, which the
# emulated devices do not need, would count as a thousand instructions, over half of a disk read.
LINUX_OPTIONS = "console=ttyS0 quiet panic=-1 lpj=1"
LINUX_MODULES = ["sd_mod", "ata_piix"]

ROWS = [
    Row("root.cpuid", "CPUID in the root, an exit"),
    Row("root.hypercall", "hypercall of the root, fast"),
    Row("switch.thread", "switch of kernel threads"),
    Row("syscall.null", "system call that does nothing (getpid)"),
    Row("switch.yield", "switch of processes by yielding"),
    Row("pipe.round_trip", "a byte to another process and back"),
    Row("disk.read", f"read of {DISK_MIB} MiB, 64 KiB requests, IDE", "instructions/MiB",
        lambda figures: (figures["mark.1"] - figures["mark.0"]) // DISK_MIB),
]  # fmt: skip


def _measure(command, build, directory):
    """Runs a system with the plugin; returns the figures that it printed, and the marks."""
    marks = directory / "marks"
    marks.unlink(missing_ok=True)
    command = [*command, *DISK_OPTIONS, *COUNTING,
               "-plugin", f"{machines.marks_plugin(build)},out={marks}"]  # fmt: skip
    found = figures.of_system(machines.run("qemu", command, directory, TIME_LIMIT))
    for line in marks.read_text().splitlines() if marks.exists() else []:
        _, number, count = line.split()
        found[f"mark.{number}"] = int(count)
    # Else a figure does not mean what the table says: the driver did not read all.
    if found.get("disk.requests") != DISK_MIB * 16:
        machines.complain(f"the disk was not read to its end; see {directory}")
    return found


def _measure_veneer(build):
    directory = machines.directory(build, "veneer")
    image = directory / "veneer.iso"
    machines.make_image(build, image, ["--parent-options=selftest=bench disk=disk0",
                                       f"--module={build / 'programs' / 'measure.elf'}=measure"])
    machine = dataclasses.replace(MACHINE, image=image)
    command = emulator.command_line(machine, directory, directory / "serial.log")
    return _measure(command, build, directory)


def _measure_linux(build):
    directory = machines.directory(build, "linux")
    try:
        system = linux.make(build, directory, "tests/bench/linux.c", LINUX_MODULES)
    except debian.Missing as error:
        machines.complain(f"nothing to compare with: {error}")
        return {}
    # A CD as ours has, but it is not booted from: any file will do.
    machine = dataclasses.replace(MACHINE, image=directory / "init")
    command = emulator.command_line(machine, directory, directory / "serial.log")
    command += system.qemu_options(LINUX_OPTIONS)
    return _measure(command, build, directory)


def measure(build):
    """Prints the table of operations; returns its entries for bench.json."""
    ours = _measure_veneer(build)
    peers = _measure_linux(build)
    return report(PLATFORM, ROWS, ("the system (QEMU)", "Linux"), ours, peers)
