"""What operations of a child cost, beside those of a guest of Linux's KVM. See docs/testing.md."""

import dataclasses
import subprocess
import typing

import emulator
import figures
import linux
import machines
import parts
import transfers
from guest import debian
from table import Row, report

# The child's side, as files for the image: the commands that the parent runs.
COMMANDS = ["--parent-options=autorun=bench.commands",
            "--module=tests/bench/child.commands=bench.commands"]  # fmt: skip
# What they start: the child's kernel and its worker.
FILES = {"demo": "iso/demo.elf", "worker": "programs/worker.elf"}
# The child's disk. On QEMU it has its data at once. Bochs wants whole cylinders: 16 heads, 63 sectors.
DISK_SIZE = 16 * 16 * 63 * 512
LINUX_OPTIONS = "console=ttyS0 quiet panic=-1"


@dataclasses.dataclass
class Platform:
    """A machine on which both systems run."""

    name: str
    title: str
    machine: emulator.Machine
    unit: str
    module: str  # the kernel module with KVM's backend
    linux_options: str
    boot_linux: typing.Callable
    add_disk: typing.Callable
    has_plugins: bool = False  # instructions are counted by part
    emulator_options: tuple = ()
    time_limit: float = 120  # seconds


def _boot_from_qemu(platform, system, _build, _directory):
    """Returns the machine that boots the system, and the emulator's options for it."""
    # It needs some CD that it does not boot from.
    machine = dataclasses.replace(platform.machine, image=system.initramfs)
    return machine, system.qemu_options(platform.linux_options)


def _boot_from_cd(platform, system, build, directory):
    """Bochs has no loader of its own. Our GRUB boots Linux before it comes to our kernels."""
    image = directory / "linux.iso"
    options = [f"--file=/boot/linux={system.kernel}", f"--file=/boot/initramfs={system.initramfs}",
               f"--grub-command=linux /boot/linux {platform.linux_options}",
               "--grub-command=initrd /boot/initramfs", "--grub-command=boot"]  # fmt: skip
    machines.make_image(build, image, options, parent=False)
    # Linux reads many an MSR that Bochs lacks.
    return dataclasses.replace(platform.machine, image=image, unknown_msrs=True), []


def add_null_disk(machine, _directory):
    """Returns the machine with the child's disk, and the emulator's options for it."""
    return machine, ["-drive", f"if=none,id=disk,driver=null-co,size={DISK_SIZE},read-zeroes=on",
                     "-device", "ide-hd,drive=disk,bus=ide.0,unit=0"]  # fmt: skip


def _add_disk_file(machine, directory):
    file = directory / "disk.img"
    file.write_bytes(bytes(DISK_SIZE))
    return dataclasses.replace(machine, disks=(emulator.Disk(file),)), []


PLATFORMS = [
    Platform(
        name="svm",
        title="a child on AMD-V (QEMU)",
        machine=emulator.Machine(cpus=1, memory=512, model="max"),
        unit="instructions",
        module="kvm_amd",
        linux_options=LINUX_OPTIONS,
        boot_linux=_boot_from_qemu,
        add_disk=add_null_disk,
        has_plugins=True,
        emulator_options=("-icount", "shift=0,sleep=off"),
    ),
    Platform(
        name="vmx",
        title="a child on VT-x (Bochs)",
        machine=emulator.Machine(platform="bochs", cpus=1, memory=512, model="corei7_skylake_x"),
        unit="ticks",
        module="kvm_intel",
        # CPUID tells of a processor 70 times as fast as Bochs is, by which Linux would set timers.
        # An address at random would make the figures differ from run to run.
        linux_options=f"{LINUX_OPTIONS} mitigations=off tsc_early_khz=50000 nokaslr",
        boot_linux=_boot_from_cd,
        add_disk=_add_disk_file,
        time_limit=300,
    ),
]


def _rows(unit):
    return [
        Row("exit.cpuid", "CPUID", unit, target=250),
        Row("exit.hypercall", "hypercall that does nothing", unit, target=250),
        Row("exit.io_user", "OUT to user space and back", unit, target=600),
        Row("exit.mmio_user", "write of a register in user space and back", unit, target=700),
        Row("exit.io_posted", "OUT, posted (ioeventfd)", unit, peer="exit.io_event", target=250),
        Row("exit.io_mirrored", "IN, mirrored (OUT to an ioeventfd)", unit, peer="exit.io_event",
            target=250),
        Row("signal.event", "event to user space (ioeventfd)", unit, peer="exit.io_event",
            target=350),
        Row("ipi.self", "IPI to itself, until the handler", unit, target=900),
        Row("timer.hlt", "lateness of a timer's handler after HLT", unit, target=1500),
    ]  # fmt: skip


def _run(platform, machine, options, directory):
    command = emulator.command_line(machine, directory, directory / "serial.log")
    return machines.run(machine.platform, [*command, *options, *platform.emulator_options],
                        directory, platform.time_limit)  # fmt: skip


def _measure_veneer(platform, build):
    """Returns the figures, those of transfers among them, and the mode transitions."""
    directory = machines.directory(build, f"child-{platform.name}")
    image = directory / "veneer.iso"
    files = [f"--module={build / path}={name}" for name, path in FILES.items()]
    machines.make_image(build, image, COMMANDS + files)
    machine, options = platform.add_disk(platform.machine, directory)
    marks = directory / "marks"
    marks.unlink(missing_ok=True)
    if platform.has_plugins:
        options += ["-plugin", f"{machines.marks_plugin(build)}{parts.plugin_options(build)},out={marks}"]
    text = _run(platform, dataclasses.replace(machine, image=image), options, directory)
    found, transitions = figures.of_child(text), figures.transitions(text)
    if marks.exists():
        found.update(parts.read(marks.read_text().splitlines(), list(found)))
    return transfers.add_traverses(found, transitions), transitions


def _measure_kvm(platform, build):
    directory = machines.directory(build, f"kvm-{platform.name}")
    guest = directory / "guest"
    subprocess.run(["nasm", "-f", "bin", "-Werror", "-o", str(guest), "tests/bench/kvm_guest.asm"],
                   check=True)  # fmt: skip
    try:
        system = linux.make(build, directory, "tests/bench/kvm_init.c", [platform.module],
                            [("guest", guest)])
    except debian.Missing as error:
        machines.complain(f"nothing to compare with: {error}")
        return {}
    machine, options = platform.boot_linux(platform, system, build, directory)
    return figures.of_child(_run(platform, machine, options, directory))


def _complain_of_missing(name, values):
    """`name` is that of the directory with the log, which says why if the system ran."""
    missing = [row for row, value in values if value is None]
    if missing:
        machines.complain(f"{name}: no figures for {', '.join(missing)}")


def measure(platform, build):
    """Prints the table of operations; returns its entries for bench.json."""
    rows = _rows(platform.unit)
    ours, transitions = _measure_veneer(platform, build)
    peers = _measure_kvm(platform, build)
    _complain_of_missing(f"child-{platform.name}", [(row.name, row.value(ours)) for row in rows])
    _complain_of_missing(f"kvm-{platform.name}",
                         [(row.name, row.peer_value(peers)) for row in rows])
    entries = report(platform.name, rows, (platform.title, "KVM"), ours, peers, transitions)
    rows = transfers.rows(platform.unit, platform.has_plugins)
    _complain_of_missing(f"child-{platform.name}", [(row.name, row.value(ours)) for row in rows])
    return entries + report(platform.name, rows, ("devices of a child", "peer"), ours, {})
