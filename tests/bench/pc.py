"""What the devices of the emulated PC cost: world switches, exits to the worker, instructions.

The child is a firmware of ours (tests/bench/pc_rom.asm). See docs/testing.md.
"""

import dataclasses
import statistics
import subprocess

import child
import emulator
import machines
import parts
from table import Row, report

PLATFORM = "svm"  # Bochs has no plugins to count with
TIME_LIMIT = 120  # seconds
COMMANDS = "onerror continue\nchild machine=pc memory=32 disk=disk0\npoweroff\n"
ROM = (0xE0000, 0x100000)
POLL = ("parent.elf", "poll")

# In the order of the firmware's measurements: the name in bench.json, and what it is.
MEASUREMENTS = [
    ("exit.pc_status", "read of a drive's status register", 1200),
    ("read4k.ide_dma", "read of 4 KiB by DMA", None),
    ("write100k.ide_dma", "write of 100 KB by DMA", None),
    ("write100k.ide_pio", "write of 100 KB by REP OUTSW", None),
]
TARGETS = {"write100k.ide_dma.traverses": 40, "write100k.ide_dma.worker_exits": 8,
           "write100k.ide_pio.exits": 400}  # fmt: skip
# Parts of the count, first those of one instruction: how often it is executed.
PARTS = ("parent", "entries", "worker_exits", "waiting", "hypervisor", "child")


def _symbol(file, name):
    """Returns the address of an instruction."""
    symbols = subprocess.run(["nm", str(file)], check=True, capture_output=True, text=True).stdout
    (address,) = [line.split()[0] for line in symbols.splitlines() if line.split()[2:] == [name]]
    return int(address, 16)


def _instruction(build, file, name):
    address = _symbol(build / file, name)
    return address, address + 1


def _plugin_options(build):
    # The world switch, and the worker's call for the next exit.
    ranges = [_instruction(build, "veneer.elf", "svm_switch"),
              _instruction(build, "programs/worker.elf", "vp_dispatch"),
              parts.function(build / POLL[0], POLL[1]), parts.HYPERVISOR, ROM]  # fmt: skip
    return "".join(f",part={start:x}-{end:x}" for start, end in ranges)


def _figures(lines):
    """Returns medians by "NAME PART"."""
    found = {}
    for (name, *_), measurements in zip(MEASUREMENTS, parts.rows(lines)):
        for i, part in enumerate(PARTS):
            found[f"{name} {part}"] = int(statistics.median(counts[i] for counts in measurements))
    return found


def _total(found, name):
    return sum(found[f"{name} {part}"] for part in ("child", "hypervisor", "parent"))


def _rows():
    result = []
    for name, text, target in MEASUREMENTS:
        result.append(Row(f"{name}.instructions", text, "instructions",
                          lambda found, name=name: _total(found, name), target=target))  # fmt: skip
        for of in ("child", "hypervisor", "parent"):
            result.append(Row(f"{name}.{of}", f"  work of the {of}", "instructions",
                              lambda found, key=f"{name} {of}": found[key]))  # fmt: skip
        result.append(Row(f"{name}.traverses", "  world switches", "traverses",
                          lambda found, key=f"{name} entries": 2 * found[key]))  # fmt: skip
        # By PIO each is one: the others are not counted on their own.
        exits = "exits" if name.endswith("pio") else "worker_exits"
        result.append(Row(f"{name}.{exits}", "  exits to the worker", "exits",
                          lambda found, key=f"{name} worker_exits": found[key]))  # fmt: skip
    return [dataclasses.replace(row, target=TARGETS.get(row.name, row.target)) for row in result]


def measure(build):
    """Prints the table of the emulated PC; returns its entries for bench.json."""
    directory = machines.directory(build, "pc")
    rom, commands, marks = directory / "rom", directory / "commands", directory / "marks"
    marks.unlink(missing_ok=True)
    subprocess.run(["nasm", "-f", "bin", "-Werror", "-o", str(rom), "tests/bench/pc_rom.asm"],
                   check=True)  # fmt: skip
    commands.write_text(COMMANDS)
    modules = {"worker": build / child.FILES["worker"], "firmware": rom, "commands": commands}
    image = directory / "veneer.iso"
    machines.make_image(build, image, ["--parent-options=autorun=commands",
                                       *(f"--module={file}={name}" for name, file in modules.items())])
    machine = emulator.Machine(image=image, cpus=1, memory=512, model="max")
    machine, disk = child.add_null_disk(machine, directory)
    command = emulator.command_line(machine, directory, directory / "serial.log")
    plugin = f"{machines.marks_plugin(build)}{_plugin_options(build)},out={marks}"
    machines.run("qemu", [*command, *disk, "-icount", "shift=0,sleep=off", "-plugin", plugin],
                 directory, TIME_LIMIT)  # fmt: skip
    found = _figures(marks.read_text().splitlines()) if marks.exists() else {}
    if len(found) < len(MEASUREMENTS) * len(PARTS):
        machines.complain(f"no figures of the emulated PC; see {directory}")
    return report(PLATFORM, _rows(), ("devices of the emulated PC (QEMU)", "peer"), found, {}, {})
