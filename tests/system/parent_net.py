"""Boots that test the parent's network cards, and the stack on them, in the emulators' networks."""

import dataclasses

import emulator
from harness.boot import PASSED, Boot

from .pattern import pattern
from .platforms import BOCHS, QEMU

FILE_SIZE = 200000
Q35 = {**QEMU, "board": "q35"}


@dataclasses.dataclass
class NetBoot(Boot):
    """Boots with a network card, and a file with the pattern on the gateway."""

    model: str = dataclasses.field(default="e1000", kw_only=True)

    def run(self, context):
        files = (context.directory / "files").resolve()
        files.mkdir()
        (files / "pattern").write_bytes(pattern(FILE_SIZE))
        nic = emulator.Nic(self.model, files=files)
        boot = dataclasses.replace(self, machine={**self.machine, "nics": (nic,)})
        Boot.run(boot, context)


def net_test(name, machine, address, options="", **fields):
    must = (rf"net0: address {address}/24, gateway ", r"^ok net: ", PASSED)
    return NetBoot(f"parent-net-{name}", machine, must=must,
                   parent=f"selftest=net file=pattern size={FILE_SIZE}{options}", **fields)


def link_test(name, machine, **fields):
    monitor = (("the link may go down", "set_link nic0 off"),
               ("the link may go up", "set_link nic0 on"))  # fmt: skip
    must = (r"net0: link down", r"^ok net-link: ", PASSED)
    return NetBoot(f"parent-net-{name}", machine, parent="selftest=net-link", monitor=monitor,
                   must=must, **fields)


def tests():
    qemu = r"10\.0\.2\.15"
    two = {"cpus": 2}
    yield net_test("e1000-svm", {**QEMU, **two}, qemu)
    yield net_test("e1000e-svm", {**Q35, **two}, qemu, model="e1000e")
    # By a line interrupt, which a q35 routes differently from a pc.
    yield net_test("e1000-q35-svm", {**Q35, **two}, qemu)
    yield net_test("e1000-parallel-svm", {**QEMU, "cpus": 4, "parallel": True}, qemu, cores=2)
    # Its gateway answers to frames of up to 128 bytes.
    yield net_test("e1000-vmx", {**BOCHS, **two}, r"192\.168\.10\.15", " ping=80", time_limit=180)
    yield link_test("link-e1000-svm", {**QEMU, **two})
    yield link_test("link-e1000e-svm", {**Q35, **two}, model="e1000e")


TESTS = [*tests()]
