"""Faults of the hypervisor itself, on demand: reported with registers and names, then all stops."""

from harness.boot import Boot

from .platforms import BOCHS, QEMU

STOPPED = r"^The machine has been stopped"

# Name of the fault (hypervisor/selftest.c), and what the report must say.
FAULTS = {
    "panic": (r"PANIC: as the command line asks for", r" fault_panic\+"),
    "exception": (r"PANIC: exception 14 ", r" cr2 0{12}1000 ", r" fault_exception\+"),
    "write-code": (r"PANIC: exception 14 ", r" fault_write_code\+"),
    "execute-data": (r"PANIC: exception 14 ", r" fault_execute_data\+"),
    "stack": (r"PANIC: exception (14|8) ", r" recurse\+"),
}


def fault(name, platform, backend):
    return Boot(f"boot-fault-{name}-{backend}", {**platform, "cpus": 2}, hypervisor=f"fault={name}",
                must=(*FAULTS[name], STOPPED), must_not=("^Veneer parent", "^RESULT"),
                until=STOPPED, time_limit=90)  # fmt: skip


TESTS = [fault(name, QEMU, "svm") for name in FAULTS] + [fault(name, BOCHS, "vmx") for name in FAULTS]
