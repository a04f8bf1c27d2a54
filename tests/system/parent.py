"""Boots that run one self test of the parent's kernel each."""

from harness.boot import PASSED, Boot

from .platforms import BOCHS, BOCHS_VMX, QEMU, QEMU_SVM

# Self tests of the kernel itself, by the names that parent/kernel/selftest.c knows.
KERNEL_TESTS = ("memory", "sched", "timer", "irq")


# Tests that run programs in ring 3, and what they must print.
PROGRAMS = ("hello", "fault", "fuzz", "spawn", "share", "wait", "measure")
MODULES = tuple(f"--module=BUILD/programs/{name}.elf={name}" for name in PROGRAMS)
PROCESS_MUST = (r"^hello from process \d+ with 0 handles: hello world$",
                r"#PF at 4[0-9a-f]+, error code", r"^spawn: refused after 31: limit reached$",
                r"^measure: syscall\.null = \d+$",
                r"^ok process: ", PASSED)  # fmt: skip


def process_tests():
    options = {"parent": "selftest=process", "must": PROCESS_MUST, "image_options": MODULES}
    for model, machine in QEMU_SVM.items():
        for cpus in (1, 4):
            yield Boot(f"parent-process-{model}-{cpus}cpu-svm", {**machine, "cpus": cpus},
                       **options, time_limit=120)
    yield Boot("parent-process-parallel-svm", {**QEMU, "cpus": 4, "parallel": True}, **options,
               time_limit=240, cores=2)
    for model, machine in BOCHS_VMX.items():
        yield Boot(f"parent-process-{model}-2cpu-vmx", {**machine, "cpus": 2}, **options,
                   time_limit=240)


def kernel_tests():
    for name in KERNEL_TESTS:
        must = (rf"^ok {name}: ", PASSED)
        for cpus in (1, 4):
            yield Boot(f"parent-{name}-{cpus}cpu-svm", {**QEMU, "cpus": cpus},
                       parent=f"selftest={name}", must=must, time_limit=60)
        # Races need processors that really run at the same time.
        yield Boot(f"parent-{name}-parallel-svm", {**QEMU, "cpus": 4, "parallel": True},
                   parent=f"selftest={name}", must=must, time_limit=120, cores=2)
        yield Boot(f"parent-{name}-2cpu-vmx", {**BOCHS, "cpus": 2}, parent=f"selftest={name}",
                   must=must, time_limit=120)


def bench_test():
    """That `make bench` has something to measure; any disk will do."""
    must = (r"\broot\.hypercall = \d+$", r"\bswitch\.yield = \d+$",
            r"\bdisk\.requests = \d+$", PASSED)  # fmt: skip
    return Boot("parent-bench-svm", {**QEMU, "cpus": 1}, parent="selftest=bench disk=cd0",
                must=must, image_options=("--module=BUILD/programs/measure.elf=measure",))


TESTS = [*kernel_tests(), *process_tests(), bench_test()]
