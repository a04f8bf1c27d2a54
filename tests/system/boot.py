"""Boots that run the parent's self test, on every kind of machine."""

import dataclasses
import re

from emulator import qemu
from harness.boot import PASSED, Boot, read_text
from harness.test import Failure, run_program

from .platforms import BOCHS, BOCHS_SVM, BOCHS_VMX, QEMU, QEMU_SVM

SELFTEST = "selftest"
PAGE = 4096
BANNERS = (r"^Veneer .*: (AMD-V|Intel VT-x).* \d+ LPs?", r"^Veneer owns \d+ pages", r"^Veneer parent")


def selftest(name, machine, time_limit=60, cores=1, names=""):
    cpus = machine.get("cpus", 1)
    must = (*BANNERS, rf"\b{cpus} LPs?", PASSED)
    return Boot(f"boot-selftest-{name}", machine, parent=SELFTEST + names, must=must,
                time_limit=time_limit, cores=cores)


def qemu_tests():
    for model, machine in QEMU_SVM.items():
        for cpus in (1, 2, 4):
            machine = {**machine, "cpus": cpus}
            yield selftest(f"{model}-{cpus}cpu-svm", machine)
            # The other board, too: PCI Express, and the firmware's own choice of tables.
            uefi = {**machine, "firmware": "uefi", "board": "q35"}
            yield selftest(f"{model}-{cpus}cpu-svm-uefi", uefi, time_limit=90)
    # True parallelism, which a single host thread never shows.
    for cpus in (2, 4):
        parallel = {**QEMU, "cpus": cpus, "parallel": True}
        yield selftest(f"parallel-{cpus}cpu-svm", parallel, cores=cpus)
    # One host thread runs all 64 in turn: what must happen within milliseconds is for smaller ones.
    many = {**QEMU, "cpus": 64, "memory": 1024}
    yield selftest("max-64cpu-svm", many, time_limit=240,
                   names="=basic,start,exits,ipi,flush,hypercall,msr,lapic,memory,sched")
    # Memory on both sides of the hole below 4 GiB.
    yield selftest("max-6gib-svm", {**QEMU, "cpus": 2, "memory": 6144}, time_limit=90)


def bochs_tests():
    for model, machine in BOCHS_VMX.items():
        for cpus in (1, 2, 4):
            yield selftest(f"{model}-{cpus}cpu-vmx", {**machine, "cpus": cpus}, 60 + 60 * cpus)
    for cpus in (1, 2):
        machine = {**BOCHS, "firmware": "uefi", "cpus": cpus}
        yield selftest(f"haswell-{cpus}cpu-vmx-uefi", machine, 120 + 60 * cpus)
    for model, machine in BOCHS_SVM.items():
        for cpus in (1, 2):
            yield selftest(f"{model}-{cpus}cpu-svm", {**machine, "cpus": cpus}, 60 + 60 * cpus)


def protection_tests():
    """What takes the machine down where the hypervisor cannot prevent it: docs/security.md."""
    yield Boot("boot-init-vmx", {**BOCHS, "cpus": 2}, parent="selftest=init,basic", time_limit=120)


@dataclasses.dataclass
class BackendBoot(Boot):
    """The backend that runs is the hypervisor's memory, the other one the parent's, page by page: the
    self test "protect" tries whose each range is, and this that the ranges are the right ones."""

    # As linker.ld has them, from the image's start on.
    SECTION = re.compile(r" \.(text|svm|vmx) +PROGBITS +(\w+) \w+ (\w+)")
    RANGE = re.compile(r"^  (hypervisor's|parent's after the boot): (\w+) to (\w+)$", re.MULTILINE)
    backend: str = ""

    def run(self, context):
        Boot.run(self, context)
        log = context.directory / "sections.log"
        run_program(context, ["readelf", "-SW", str(context.build / "veneer.elf")], 30, log)
        sections = {name: (int(start, 16), int(size, 16))
                    for name, start, size in self.SECTION.findall(read_text(log))}  # fmt: skip
        pages = {"hypervisor's": set(), "parent's after the boot": set()}
        for whose, start, end in self.RANGE.findall(read_text(context.directory / "serial.log")):
            pages[whose].update(range(int(start, 16), int(end, 16), PAGE))
        # The boot loader puts the image wherever it wants; its text is the first of the hypervisor's.
        base = min(pages["hypervisor's"], default=0) - sections["text"][0]
        for name, (start, size) in sections.items():
            whose = "parent's after the boot" if name in {"svm", "vmx"} - {self.backend} else "hypervisor's"
            if size == 0 or not {base + start + i for i in range(0, size, PAGE)} <= pages[whose]:
                raise Failure(f"not all pages of .{name} are the {whose}")


def backend_tests():
    for backend, machine in (("svm", QEMU), ("vmx", BOCHS)):
        yield BackendBoot(f"boot-backend-{backend}", machine, parent="selftest=protect",
                          must=(r"^ok protect: ", PASSED), time_limit=120, backend=backend)


def media_tests():
    """The one image as other media than a CD."""
    stick = {**QEMU, "media": "usb", "board": "q35"}
    parent = "selftest=basic"
    yield Boot("boot-usb-svm", stick, parent=parent)
    yield Boot("boot-usb-svm-uefi", {**stick, "firmware": "uefi"}, parent=parent, time_limit=90)
    yield Boot("boot-disk-vmx", {**BOCHS, "media": "disk"}, parent=parent, time_limit=120)


@dataclasses.dataclass
class DebugBoot(Boot):
    """A boot of kernels that check their assertions and the order of locks."""

    needs_images = False

    def run(self, context):
        build = context.directory / "build"
        debug = dataclasses.replace(context, build=build, debug="1")
        run_program(context, debug.make("all"), 300, context.directory / "build.log")
        Boot.run(self, debug)


def option_tests():
    """Options that no other test gives."""
    two = {**QEMU, "cpus": 2}
    yield Boot("boot-reboot-svm", two, parent="selftest=basic after=reboot")
    yield Boot("boot-module-svm", QEMU, parent="autorun=commands", must=(r"^AUTORUN PASS$",),
               image_options=("--module=tests/system/commands.txt=commands",))
    yield Boot("boot-x2apic-vmx", {**BOCHS, "cpus": 2}, time_limit=120,
               parent="selftest=basic,ipi,nmi,lapic x2apic", must=("x2APIC mode", PASSED))
    yield DebugBoot("boot-debug-svm", {**QEMU, "cpus": 4}, parent="selftest", time_limit=120)
    yield DebugBoot("boot-debug-vmx", {**BOCHS, "cpus": 2}, parent="selftest", time_limit=240)


def host_tests():
    """The host's own virtualization, where it can be nested: the only real hardware we get."""
    if qemu.kvm_is_nested():
        for cpus in (1, 4):
            yield selftest(f"host-{cpus}cpu-kvm", {**QEMU, "model": "", "kvm": True, "cpus": cpus})


TESTS = [*qemu_tests(), *bochs_tests(), *protection_tests(), *backend_tests(), *media_tests(), *option_tests(),
         *host_tests()]
