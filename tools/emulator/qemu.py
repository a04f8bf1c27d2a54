"""QEMU: AMD-V by emulation, or the host's virtualization where it can be nested."""

import pathlib
import shutil

PROGRAM = "qemu-system-x86_64"
UEFI_CODE = "/usr/share/OVMF/OVMF_CODE_4M.fd"
UEFI_VARIABLES = "/usr/share/OVMF/OVMF_VARS_4M.fd"


def kvm_is_nested():
    """Whether KVM works here and can give a guest AMD-V or VT-x of its own.

    /dev/kvm alone does not say so: without the flag the processor offers nothing to pass on.
    """
    flags = set()
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("flags"):
            flags = set(line.split())
            break
    if "vmx" in flags:
        nested = pathlib.Path("/sys/module/kvm_intel/parameters/nested")
    elif "svm" in flags:
        nested = pathlib.Path("/sys/module/kvm_amd/parameters/nested")
    else:
        return False
    if not nested.exists() or nested.read_text().strip() not in ("1", "Y"):
        return False
    try:
        with open("/dev/kvm", "r+b", buffering=0):
            return True
    except OSError:
        return False


def _acceleration(machine):
    if machine.kvm:
        return ["-accel", "kvm", "-cpu", machine.model or "host"]
    # One thread runs all processors in turn: slower with several, but it repeats well.
    threads = "multi" if machine.parallel else "single"
    return ["-accel", f"tcg,thread={threads}", "-cpu", machine.model or "max"]


def _firmware(machine, directory):
    if machine.firmware == "bios":
        return []
    variables = directory / "uefi-variables.fd"
    shutil.copyfile(UEFI_VARIABLES, variables)
    return ["-drive", f"if=pflash,format=raw,readonly=on,file={UEFI_CODE}",
            "-drive", f"if=pflash,format=raw,file={variables}"]  # fmt: skip


def _media(machine):
    if machine.media == "cd":
        return ["-cdrom", str(machine.image), "-boot", "order=d"]
    drive = f"if=none,id=boot,format=raw,snapshot=on,file={machine.image}"
    if machine.media == "usb":
        return ["-drive", drive, "-device", "qemu-xhci",
                "-device", "usb-storage,drive=boot,bootindex=0"]  # fmt: skip
    return ["-drive", drive, "-device", "ide-hd,drive=boot,bootindex=0"]


def _image(disk, number, directory):
    """The -drive option of a further disk."""
    drive = f"if=none,id=disk{number},format=raw,media={'cdrom' if disk.kind == 'cd' else 'disk'}"
    if disk.path is None:
        return f"if=none,id=disk{number},driver=null-co,size={16 << 20},read-zeroes=on"
    bad = {"read_aio": disk.bad_sector, "write_aio": disk.bad_write}
    rules = [f'[inject-error]\nevent = "{event}"\nerrno = "5"\nsector = "{sector}"\n'
             for event, sector in bad.items() if sector is not None]  # fmt: skip
    if not rules:
        return f"{drive},file={disk.path}"
    faults = directory / f"faults{number}"
    faults.write_text("".join(rules))
    return f"{drive},file.driver=blkdebug,file.config={faults},file.image.filename={disk.path}"


def _disks(machine, directory):
    """Further disks. The boot CD is the first drive of pc's second channel, and port 2 of q35."""
    options = []
    if any(disk.ahci for disk in machine.disks):
        options += ["-device", "ich9-ahci,id=ahci"]
    places = ["ahci.0", "ahci.1"] if any(disk.ahci for disk in machine.disks) else (
        ["ide.0", "ide.1", "ide.3"] if machine.board == "q35" else
        ["ide.0,unit=0", "ide.0,unit=1", "ide.1,unit=1"])
    for number, (disk, place) in enumerate(zip(machine.disks, places)):
        device = "ide-cd" if disk.kind == "cd" else "ide-hd"
        options += ["-drive", _image(disk, number, directory),
                    "-device", f"{device},drive=disk{number},bus={place}"]  # fmt: skip
    return options


def _nics(machine):
    if not machine.nics:
        return ["-nic", "none"]
    options = []
    for number, nic in enumerate(machine.nics):
        files = f",tftp={nic.files}" if nic.files else ""
        options += ["-netdev", f"user,id=net{number}{files}",
                    "-device", f"{nic.model},id=nic{number},netdev=net{number},mac={nic.mac}"]
    return options


def _console(machine, serial):
    if machine.interactive:
        return ["-display", "none", "-serial", "mon:stdio"]
    monitor = "none"
    if machine.monitor:
        monitor = f"unix:{machine.monitor},server=on,wait=off"
    target = str(serial) if machine.terminal else f"file:{serial}"
    return ["-display", "none", "-monitor", monitor, "-serial", target]


def image_additions(machine, directory):
    return []


def command_line(machine, directory, serial):
    command = [PROGRAM, "-M", machine.board, *_acceleration(machine)]
    command += ["-smp", str(machine.cpus), "-m", str(machine.memory), "-no-reboot"]
    command += ["-icount", "shift=0,sleep=off"] if machine.counting else []
    command += _firmware(machine, directory) + _media(machine) + _disks(machine, directory)
    command += _nics(machine) + _console(machine, serial)
    if machine.gdb:
        command += ["-s", "-S"]
    return command
