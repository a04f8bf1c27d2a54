"""Bochs 2.7: Intel VT-x, and a second AMD-V on its model `ryzen`."""

from . import bochs_acpi

PROGRAM = "bochs"
BIOS = 'file=/usr/share/bochs/BIOS-bochs-latest, options="fastboot"'
# The 2 MiB build: Bochs has no room for the bigger one.
UEFI = "file=/usr/share/ovmf/OVMF.fd"
VIDEO_BIOS = "/usr/share/bochs/VGABIOS-lgpl-latest"

# Time is counted in instructions (`ips` a second), so that runs repeat exactly.
CONFIGURATION = """\
cpu: model={model}, count={cpus}, ips=50000000, quantum=16, reset_on_triple_fault=0, \
ignore_bad_msrs={unknown_msrs}, msrs="{msrs}"
memory: guest={memory}, host={memory}
romimage: {firmware}
vgaromimage: file={video_bios}
pci: enabled=1, chipset=i440fx{slots}
plugin_ctrl: unmapped=1, speaker=0, gameport=0, parallel=0, extfpuirq=0
ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14
ata0-master: {drive}
{disks}boot: {boot}
com1: enabled=1, mode={serial_mode}, dev="{serial}"
clock: sync=none, time0=1000000000
display_library: {display}
{nics}log: "{log}"
panic: action=fatal
error: action=report
info: action=ignore
debug: action=ignore
"""

# MSRs that the models lack, in Bochs's format: address, type, and three 64-bit values as high and low
# halves (initial value, reserved bits, ignored bits). OVMF reads 17h, IA32_PLATFORM_ID.
EXTRA_MSRS = "0x17 0  0 0  0 0  0 0\n"

# Debian's Bochs starts in its debugger: continue, and quit when that returns.
DEBUGGER_COMMANDS = "continue\nquit\n"


def _drive(machine):
    if machine.media == "cd":
        return f'type=cdrom, path="{machine.image}", status=inserted'
    if machine.media == "disk":
        return f'type=disk, path="{machine.image}", mode=volatile'
    raise ValueError(f"Bochs cannot boot from {machine.media}")


def image_additions(machine, directory):
    if machine.firmware != "uefi":
        return []
    additions = ["--grub-module=mmap", "--grub-module=acpi"]
    paths = []
    for file in bochs_acpi.write_tables(machine.cpus, directory):
        paths.append(f"/boot/{file.name}")
        additions.append(f"--file={paths[-1]}={file}")
    return [*additions, f"--grub-command=acpi {' '.join(paths)}"]


def _disks(machine):
    """Further disks, after the boot drive on the first channel."""
    lines = []
    places = ("ata0-slave", "ata1-master", "ata1-slave")
    for disk, place in zip(machine.disks, places):
        if place == "ata1-master":
            lines.append("ata1: enabled=1, ioaddr1=0x170, ioaddr2=0x370, irq=15")
        kind = "type=cdrom, status=inserted" if disk.kind == "cd" else "type=disk, mode=flat"
        lines.append(f'{place}: {kind}, path="{disk.path}"')
    return "".join(f"{line}\n" for line in lines)


def _nics(machine, directory):
    """Bochs has one e1000; its virtual network serves files from a directory in any case."""
    if not machine.nics:
        return "", ""
    (nic,) = machine.nics
    return (", slot1=e1000",
            f'e1000: enabled=1, mac={nic.mac}, ethmod=vnet, ethdev="{nic.files or directory}"\n')


def command_line(machine, directory, serial):
    uefi = machine.firmware == "uefi"
    msrs_file = directory / "bochs-msrs"
    msrs_file.write_text(EXTRA_MSRS)
    slots, nics = _nics(machine, directory)
    configuration = CONFIGURATION.format(
        slots=slots,
        nics=nics,
        disks=_disks(machine),
        model=machine.model or "corei7_haswell_4770",
        cpus=machine.cpus,
        memory=machine.memory,
        unknown_msrs=int(machine.unknown_msrs),
        firmware=UEFI if uefi else BIOS,
        msrs=msrs_file,
        video_bios=VIDEO_BIOS,
        drive=_drive(machine),
        boot="cdrom" if machine.media == "cd" else "disk",
        serial_mode="term" if machine.interactive or machine.terminal else "file",
        # Displays that need no screen. For a test: one without a network port, which may be taken;
        # at a terminal: one that draws nothing over it and waits for no viewer.
        display='rfb, options="timeout=0"' if machine.interactive else "term",
        serial=serial,
        log=directory / "bochs.log",
    )
    configuration_file = directory / "bochsrc"
    configuration_file.write_text(configuration)
    commands_file = directory / "bochs-commands"
    commands_file.write_text(DEBUGGER_COMMANDS)
    return [PROGRAM, "-unlock", "-f", str(configuration_file), "-rc", str(commands_file)]
