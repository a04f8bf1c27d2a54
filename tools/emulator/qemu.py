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
        return ["-cdrom", str(machine.image)]
    drive = f"if=none,id=boot,format=raw,snapshot=on,file={machine.image}"
    if machine.media == "usb":
        return ["-drive", drive, "-device", "qemu-xhci",
                "-device", "usb-storage,drive=boot,bootindex=0"]  # fmt: skip
    return ["-drive", drive, "-device", "ide-hd,drive=boot,bootindex=0"]


def _console(machine, serial):
    if machine.interactive:
        return ["-display", "none", "-serial", "mon:stdio"]
    return ["-display", "none", "-monitor", "none", "-serial", f"file:{serial}"]


def image_additions(machine, directory):
    return []


def command_line(machine, directory, serial):
    command = [PROGRAM, "-M", machine.board, *_acceleration(machine)]
    command += ["-smp", str(machine.cpus), "-m", str(machine.memory), "-no-reboot", "-nic", "none"]
    command += _firmware(machine, directory) + _media(machine) + _console(machine, serial)
    if machine.gdb:
        command += ["-s", "-S"]
    return command
