"""Boots that run one self test of the parent's kernel each."""

from harness.boot import PASSED, Boot

from .platforms import BOCHS, QEMU

# Self tests of the kernel itself, by the names that parent/kernel/selftest.c knows.
KERNEL_TESTS = ("memory", "sched", "timer", "irq")


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


TESTS = [*kernel_tests()]
